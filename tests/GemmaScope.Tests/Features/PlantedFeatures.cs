using GemmaScope.Dictionaries;
using GemmaScope.Features.Interpretation;
using GemmaScope.Features.Statistics;
using GemmaScope.Text;

namespace GemmaScope.Tests.Features;

/// <summary>Texts of random words, and features that fire on them by rules that are known.</summary>
internal sealed class PlantedFeatures
{
    private static readonly string[] Words =
    [
        "the",
        "old",
        "house",
        "river",
        "of",
        "in",
        "water",
        "king",
        "great",
        "small",
        "was",
        "not",
        "and",
        "people",
        "day",
        "night",
        "with",
        "under",
        "road",
        "tree",
        "white",
        "long",
        "city",
        "year",
        "two",
    ];

    /// <summary>The rule of each feature: whether it fires at a position.</summary>
    private readonly Func<IReadOnlyList<int>, int, bool>[] _rules;

    public PlantedFeatures()
    {
        Tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));
        int old = Id("old"),
            house = Id("house"),
            of = Id("of"),
            the = Id("the"),
            king = Id("king"),
            water = Id("water");
        _rules =
        [
            (tokens, i) => tokens[i] == king || tokens[i] == water,
            (tokens, i) => i > 0 && tokens[i] == house && tokens[i - 1] == old,
            (tokens, i) => i > 0 && tokens[i - 1] == of,
            (tokens, i) => i + 1 < tokens.Count && tokens[i + 1] == the,
            (tokens, i) => Draw(tokens, i) % 40 == 0,
            (_, i) => i % 8 == 7,
            (tokens, i) => tokens[i] == old && Draw(tokens, i) % 3000 == 0,
        ];
        Held = HeldOutText.Cut(Tokenizer, 512, [Text(1, 90_000)], [], long.MaxValue);
        Activations = new HeldOutActivations(Held, Enumerable.Range(0, _rules.Length));
        for (var passage = 0; passage < Held.Count; passage++)
            Activations.Add(passage, Encode(Held.Passage(passage).ToArray()), 0);
    }

    /// <summary>Two words; a phrase; after a word; before a promoted word; without a rule; in every passage; hardly ever.</summary>
    public const int Tokens = 0,
        Phrase = 1,
        After = 2,
        Before = 3,
        Random = 4,
        Everywhere = 5,
        Rare = 6;

    public Tokenizer Tokenizer { get; }

    public HeldOutText Held { get; }

    public HeldOutActivations Activations { get; }

    /// <summary>The token of a word with a space before it.</summary>
    public int Id(string word) => Tokenizer.Id("▁" + word)!.Value;

    /// <summary>The strength with which a feature fires, or 0.</summary>
    public float Value(int feature, IReadOnlyList<int> tokens, int position) =>
        _rules[feature](tokens, position) ? 1 + Draw(tokens, position) % 97 / 10f : 0;

    /// <summary>The examples that a dashboard would show.</summary>
    public FeatureEvidence Evidence(int feature)
    {
        var ids = Tokenizer.Encode(Text(2, 12_000));
        var examples = ids.Chunk(128)
            .Select(
                (tokens, sequence) =>
                {
                    var values = tokens.Select((_, i) => Value(feature, tokens, i)).ToArray();
                    return new FeatureExample(-1, sequence, Array.IndexOf(values, values.Max()), tokens, values);
                }
            )
            .Where(example => example.Values.Max() > 0)
            .OrderByDescending(example => example.Values.Max())
            .Take(45);
        return new FeatureEvidence([.. examples], [Id("the"), Id("tree")], 11);
    }

    public static string Text(int seed, int words)
    {
        var random = new Random(seed);
        return string.Concat(Enumerable.Range(0, words).Select(_ => " " + Words[random.Next(Words.Length)]));
    }

    /// <summary>A number that depends on the token and its surroundings in no way a rule could say.</summary>
    private static int Draw(IReadOnlyList<int> tokens, int position)
    {
        var state = 17u;
        for (var i = Math.Max(0, position - 6); i <= position; i++)
            state = (state ^ (uint)tokens[i]) * 0x9E3779B1;
        return (int)(state >> 8);
    }

    private SparseActivations Encode(int[] tokens)
    {
        List<int> starts = [0],
            indices = [];
        List<float> values = [];
        for (var i = 0; i < tokens.Length; i++)
        {
            for (var feature = 0; feature < _rules.Length; feature++)
                if (Value(feature, tokens, i) is > 0 and var value)
                {
                    indices.Add(feature);
                    values.Add(value);
                }
            starts.Add(indices.Count);
        }
        return new SparseActivations(_rules.Length, [.. starts], [.. indices], [.. values]);
    }
}

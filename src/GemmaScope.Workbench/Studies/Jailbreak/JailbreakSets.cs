using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>The prompts of a study of jailbreaks in the model's form: plain ones first, then wrapped, then harmless.</summary>
internal sealed class JailbreakSets
{
    public const string Plain = "plain",
        Wrapped = "wrapped",
        Harmless = "harmless";

    public JailbreakSets(GemmaModel model, JailbreakStudyJobOptions options, IProgress<JobReport>? progress)
    {
        var pairs = JailbreakPair.Read(options);
        var harmless = StudyPrompt
            .Read(options.Harmless, harmful: false)
            .DistinctBy(one => one.Text)
            .Where(one => options.HeldOut is not { } divisor || one.IsHeldOut(divisor))
            .ToArray();
        var requests = pairs.SelectMany(pair => new[] { pair.Plain, pair.Wrapped }).OfType<string>().ToHashSet();
        if (harmless.Count(one => requests.Contains(one.Text)) is > 0 and var both)
            throw new ArgumentProblemException(
                $"{both} of its prompts are among the requests too; a prompt is harmful or harmless",
                new Setting(nameof(options.Harmless))
            );
        new Random(options.Seed).Shuffle(harmless);
        var plain = pairs.Where(pair => pair.Plain is not null).DistinctBy(pair => pair.Plain).Select(pair => Prompt(pair.Id, pair.Plain!));
        var asked = ((string Set, StudyPrompt[] Prompts)[])
            [
                (Plain, [.. plain]),
                (Wrapped, [.. pairs.Select((pair, i) => Prompt($"{i}", pair.Wrapped))]),
                (Harmless, [.. harmless.Take(options.Limit)]),
            ];
        Prompts = [.. asked.SelectMany(set => AskedPrompt.Ask(model, set.Prompts, progress).Select(one => (set.Set, one)))];
        if (!Prompts.Any(one => one.Set == Wrapped) || !Prompts.Any(one => one.Set == Harmless))
            throw new ArgumentProblemException(
                "no wrapped or no harmless request is short enough to be asked",
                options.Pairs ?? options.Wrappers!
            );
        var places = Prompts.Index().ToLookup(one => one.Item.Set);
        var plainAt = places[Plain].ToDictionary(one => one.Item.Asked.Prompt.Text, one => one.Index);
        // What was too long to be asked is in no pair.
        Pairs =
        [
            .. places[Wrapped]
                .Select(one =>
                    (Pair: pairs[int.Parse(one.Item.Asked.Prompt.Id, System.Globalization.CultureInfo.InvariantCulture)], one.Index)
                )
                .Select(one =>
                    (one.Pair, one.Pair.Plain is { } text && plainAt.TryGetValue(text, out var at) ? at : (int?)null, one.Index)
                ),
        ];
        Behind = Prompts[0].Asked.Tokens.PostInstruction.ToArray();
        if (Prompts.Any(one => !one.Asked.Tokens.PostInstruction.SequenceEqual(Behind)))
            throw new ArgumentProblemException(
                "the model's chat template ends prompts in different ways, so that positions behind them mean nothing in common"
            );
    }

    /// <summary>Each prompt with its set.</summary>
    public IReadOnlyList<(string Set, AskedPrompt Asked)> Prompts { get; }

    /// <summary>Each pair with the places of its prompts.</summary>
    public IReadOnlyList<(JailbreakPair Pair, int? Plain, int Wrapped)> Pairs { get; }

    /// <summary>The ids behind every request.</summary>
    public int[] Behind { get; }

    public IReadOnlyList<AskedPrompt> Of(string set) => [.. Prompts.Where(one => one.Set == set).Select(one => one.Asked)];

    /// <summary>The name of a prompt: that of its pair, or of its row.</summary>
    public string Name(int place) =>
        Prompts[place].Set == Wrapped ? Pairs.First(pair => pair.Wrapped == place).Pair.Id : Prompts[place].Asked.Prompt.Id;

    private static StudyPrompt Prompt(string id, string text) => new(id, [new ChatMessage("user", text)]);
}

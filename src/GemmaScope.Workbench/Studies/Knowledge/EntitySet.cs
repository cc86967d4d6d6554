using GemmaScope.Behaviour.Knowledge;

namespace GemmaScope.Workbench;

/// <summary>Names in two halves, what is not knowledge in them, and pairs of the tested half that match in it.</summary>
internal sealed class EntitySet
{
    public EntitySet(AskedTexts asked, Entity[] names, int seed, int vocabulary)
    {
        Asked = asked;
        Known = [.. names.Select(one => one.Known == true)];
        (Train, Test) = ContrastStudy.Halves([.. Enumerable.Range(0, names.Length)], Known, seed);
        Tokens = asked.Lengths;
        var isGiven = names.All(one => one.Frequency is not null);
        // The merges of a vocabulary come in the order of their frequency, so that the place of a name's rarest token says how common it is.
        Frequencies =
        [
            .. names.Select(
                (one, i) => isGiven ? Math.Log(1 + one.Frequency!.Value) : -Math.Log((double)(asked.Words(i).Max() + 1) / vocabulary)
            ),
        ];
        FrequencySource = isGiven ? "given in the file" : "the place of the rarest token in the vocabulary";
        var (known, tokens, frequencies) = (Of(Known, Test), Of(Tokens, Test), Of(Frequencies, Test));
        Pairs = [.. EntityMatching.Pairs(known, tokens, frequencies).Select(pair => (Test[pair.Known], Test[pair.Unknown]))];
        Matched = [.. Pairs.SelectMany(pair => (int[])[pair.Known, pair.Unknown]).Order()];
    }

    public AskedTexts Asked { get; }

    public bool[] Known { get; }

    /// <summary>Names that make and choose.</summary>
    public int[] Train { get; }

    /// <summary>Names that are tested.</summary>
    public int[] Test { get; }

    public int[] Tokens { get; }

    public double[] Frequencies { get; }

    public string FrequencySource { get; }

    public IReadOnlyList<(int Known, int Unknown)> Pairs { get; }

    public int[] Matched { get; }

    public static T[] Of<T>(IReadOnlyList<T> values, int[] places) => Array.ConvertAll(places, i => values[i]);
}

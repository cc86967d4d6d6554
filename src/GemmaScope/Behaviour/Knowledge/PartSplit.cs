using GemmaScope.Evaluation;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>One part of the statements that is read, another one that chooses, and the rest that is fitted on.</summary>
internal sealed class PartSplit
{
    private readonly bool[] _labels,
        _shuffled;

    public PartSplit(int part, int count, int[] parts, bool[] labels, bool[] negated, bool[] shuffled)
    {
        (Part, _labels, _shuffled) = (part, labels, shuffled);
        var next = (part + 1) % count;
        TrainBoth = Where(i => parts[i] != part && parts[i] != next);
        Train = [.. TrainBoth.Where(i => !negated[i])];
        ValidationBoth = Where(i => parts[i] == next);
        Validation = [.. ValidationBoth.Where(i => !negated[i])];
        All = Where(i => parts[i] == part);
        Test = [.. All.Where(i => !negated[i])];
        Negated = [.. All.Where(i => negated[i])];

        int[] Where(Func<int, bool> wanted) => [.. Enumerable.Range(0, parts.Length).Where(wanted)];
    }

    public int Part { get; }

    public int[] Train { get; }

    public int[] TrainBoth { get; }

    public int[] Validation { get; }

    public int[] ValidationBoth { get; }

    /// <summary>Affirmed statements that are read.</summary>
    public int[] Test { get; }

    /// <summary>Negated ones.</summary>
    public int[] Negated { get; }

    /// <summary>Both.</summary>
    public int[] All { get; }

    public static float[][] Of(IReadOnlyList<float[]> rows, int[] places) => Array.ConvertAll(places, i => rows[i]);

    public bool[] Labels(int[] places) => Array.ConvertAll(places, i => _labels[i]);

    public bool[] ShuffledLabels(int[] places) => Array.ConvertAll(places, i => _shuffled[i]);

    public ActivationProbe Fit(ProbeMethod method, IReadOnlyList<float[]> rows, int[] places, CancellationToken cancellationToken) =>
        ActivationProbe.Fit(method, Of(rows, places), Labels(places), cancellationToken);

    public ActivationProbe FitRandom(ProbeMethod method, IReadOnlyList<float[]> rows, CancellationToken cancellationToken)
    {
        var labels = ShuffledLabels(Train);
        // Of a handful of statements a shuffle may leave one kind; one of them then changes sides.
        if (!labels.Contains(true) || !labels.Contains(false))
            labels[0] = !labels[0];
        return ActivationProbe.Fit(method, Of(rows, Train), labels, cancellationToken);
    }

    public double? Auroc(ActivationProbe probe, IReadOnlyList<float[]> rows, int[] places) =>
        Ranking.AurocOf(Labels(places), probe.Scores(Of(rows, places)));

    /// <summary>How well a probe of shuffled labels tells those apart: of the true ones it would find what is strongest, one way round or the
    /// other.</summary>
    public double? RandomAuroc(ActivationProbe probe, IReadOnlyList<float[]> rows, int[] places) =>
        Ranking.AurocOf(ShuffledLabels(places), probe.Scores(Of(rows, places)));

    /// <summary>Writes the probabilities of what is read to their places.</summary>
    public void Read(ActivationProbe probe, IReadOnlyList<float[]> rows, double[] probabilities)
    {
        var read = probe.Probabilities(Of(rows, All));
        for (var i = 0; i < All.Length; i++)
            probabilities[All[i]] = read[i];
    }
}

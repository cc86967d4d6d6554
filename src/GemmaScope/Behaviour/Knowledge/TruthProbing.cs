using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>How well probes of one layer and point tell true statements from false ones, on parts that they were not fitted on: means over
/// the parts; null where no part has both kinds.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Point">The point of the statement.</param>
/// <param name="Method">How the probe is fitted.</param>
/// <param name="Auroc">Affirmed statements of other parts.</param>
/// <param name="NegatedAuroc">Negated ones; none of them were fitted on.</param>
/// <param name="RandomLabelsAuroc">The same as <paramref name="Auroc"/> of shuffled labels, fitted and tested on.</param>
/// <param name="OtherLayerAuroc">The same when the probe reads another layer than its own.</param>
public sealed record ProbeCell(
    int Layer,
    int Point,
    ProbeMethod Method,
    double? Auroc,
    double? NegatedAuroc,
    double? RandomLabelsAuroc,
    double? OtherLayerAuroc
);

/// <summary>The probe that reads one part: chosen on another part, fitted on the rest.</summary>
/// <param name="Part">The part.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Point">The point.</param>
/// <param name="Method">How it is fitted.</param>
/// <param name="ValidationAuroc">What it was chosen for.</param>
public sealed record ProbeChoice(int Part, int Layer, int Point, ProbeMethod Method, double? ValidationAuroc);

/// <summary>What probes of truth say of statements that they have never seen.</summary>
/// <param name="Cells">Every layer, point and method.</param>
/// <param name="Choices">The probe of each part.</param>
/// <param name="Probabilities">How likely each statement is true: by the probe of its part, fitted on affirmed statements of others.</param>
/// <param name="Raw">The same before probabilities were fitted on held-out statements.</param>
/// <param name="RandomLabels">The same as <paramref name="Probabilities"/> after a fit on shuffled labels, to be compared with these.</param>
/// <param name="ShuffledLabels">Those labels.</param>
/// <param name="OnBoth">The same after a fit on affirmed and negated statements; null without negated ones.</param>
public sealed record TruthProbes(
    IReadOnlyList<ProbeCell> Cells,
    IReadOnlyList<ProbeChoice> Choices,
    double[] Probabilities,
    double[] Raw,
    double[] RandomLabels,
    bool[] ShuffledLabels,
    double[]? OnBoth
);

/// <summary>
/// Fits probes of truth and reads them where they were neither fitted nor chosen: statements come in parts (topics); for each part the layer,
/// point and method are chosen on the next part, fitted on the rest, and probabilities are fitted on the part that chose. Only affirmed
/// statements are fitted on, so that negated ones test whether it is truth that is read (Marks and Tegmark 2310.06824, Levinstein and
/// Herrmann 2307.00175).
/// </summary>
public static class TruthProbing
{
    private static readonly ProbeMethod[] Methods = [ProbeMethod.MassMean, ProbeMethod.Logistic];

    /// <summary>Fits and reads the probes.</summary>
    /// <param name="layers">How many layers there are.</param>
    /// <param name="points">How many points.</param>
    /// <param name="rows">The rows of a layer and point, one for each statement.</param>
    /// <param name="labels">Whether each statement is true.</param>
    /// <param name="negated">Whether each is a negation.</param>
    /// <param name="parts">The part of each, from 0; at least three parts.</param>
    /// <param name="seed">Decides the shuffled labels and layers.</param>
    /// <param name="progress">Told how many layers and points are done.</param>
    /// <param name="cancellationToken">Stops between two fits.</param>
    /// <exception cref="ArgumentProblemException">There are fewer than three parts, or a fit has statements of one kind only.</exception>
    public static TruthProbes Run(
        int layers,
        int points,
        Func<int, int, IReadOnlyList<float[]>> rows,
        bool[] labels,
        bool[] negated,
        int[] parts,
        int seed,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var count = parts.Max() + 1;
        if (count < 3)
            throw new ArgumentProblemException($"{count} parts are too few: one to fit, one to choose and one to test", "parts");
        bool[] shuffled = [.. labels];
        new Random(seed).Shuffle(shuffled);
        PartSplit[] splits = [.. Enumerable.Range(0, count).Select(part => new PartSplit(part, count, parts, labels, negated, shuffled))];
        var others = OtherLayers(layers, seed);
        var cells = new ProbeCell[layers * points * Methods.Length];
        var validated = new double?[cells.Length, count];
        var done = 0;
        Parallel.For(
            0,
            cells.Length,
            new ParallelOptions { CancellationToken = cancellationToken },
            i =>
            {
                var (layer, point, method) = Place(i);
                var (own, foreign) = (rows(layer, point), rows(others[layer], point));
                List<double?> affirmed = [],
                    denied = [],
                    random = [],
                    other = [];
                foreach (var split in splits)
                {
                    var probe = split.Fit(method, own, split.Train, cancellationToken);
                    validated[i, split.Part] = split.Auroc(probe, own, split.Validation);
                    affirmed.Add(split.Auroc(probe, own, split.Test));
                    denied.Add(split.Auroc(probe, own, split.Negated));
                    other.Add(layers > 1 ? split.Auroc(probe, foreign, split.Test) : null);
                    random.Add(split.RandomAuroc(split.FitRandom(method, own, cancellationToken), own, split.Test));
                }
                cells[i] = new(layer, point, method, affirmed.Average(), denied.Average(), random.Average(), other.Average());
                if (Interlocked.Increment(ref done) % Methods.Length == 0)
                    progress?.Report(done / Methods.Length);
            }
        );
        var read = new double[4][];
        for (var i = 0; i < read.Length; i++)
            read[i] = new double[labels.Length];
        var both = negated.Contains(true);
        var choices = splits
            .Select(split =>
            {
                var best = Enumerable.Range(0, cells.Length).MaxBy(i => validated[i, split.Part] ?? 0);
                var (layer, point, method) = Place(best);
                var own = rows(layer, point);
                var probe = split.Fit(method, own, split.Train, cancellationToken);
                split.Read(probe.Calibrated(PartSplit.Of(own, split.Validation), split.Labels(split.Validation)), own, read[0]);
                split.Read(probe, own, read[1]);
                split.Read(
                    split
                        .FitRandom(method, own, cancellationToken)
                        .Calibrated(PartSplit.Of(own, split.Validation), split.ShuffledLabels(split.Validation)),
                    own,
                    read[2]
                );
                if (both)
                    split.Read(
                        split
                            .Fit(method, own, split.TrainBoth, cancellationToken)
                            .Calibrated(PartSplit.Of(own, split.ValidationBoth), split.Labels(split.ValidationBoth)),
                        own,
                        read[3]
                    );
                return new ProbeChoice(split.Part, layer, point, method, validated[best, split.Part]);
            })
            .ToArray();
        return new(cells, choices, read[0], read[1], read[2], shuffled, both ? read[3] : null);

        (int Layer, int Point, ProbeMethod Method) Place(int i) =>
            (i / Methods.Length / points, i / Methods.Length % points, Methods[i % Methods.Length]);
    }

    /// <summary>What a logistic probe of something simpler reaches, fitted and read on the same statements: a bag of words, or a length.</summary>
    /// <param name="x">One row a statement.</param>
    /// <param name="labels">Whether each is true.</param>
    /// <param name="negated">Whether each is a negation.</param>
    /// <param name="parts">The part of each.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <returns>How likely each is true, by the probe of its part.</returns>
    public static double[] Baseline(
        SparseActivations x,
        bool[] labels,
        bool[] negated,
        int[] parts,
        CancellationToken cancellationToken = default
    )
    {
        var (count, read) = (parts.Max() + 1, new double[labels.Length]);
        for (var part = 0; part < count; part++)
        {
            var split = new PartSplit(part, count, parts, labels, negated, labels);
            var probe = LogisticProbe.Fit(
                SparseProducts.Rows(x, split.Train),
                split.Labels(split.Train),
                new LogisticOptions { GradientTolerance = 1e-3 },
                cancellationToken
            );
            var scores = probe.Scores(SparseProducts.Rows(x, split.All));
            for (var i = 0; i < scores.Length; i++)
                read[split.All[i]] = LogisticProbe.Probability(scores[i]);
        }
        return read;
    }

    /// <summary>Another layer for each, a different one for every two.</summary>
    private static int[] OtherLayers(int layers, int seed)
    {
        int[] order = [.. Enumerable.Range(0, layers)];
        new Random(seed).Shuffle(order);
        var others = new int[layers];
        for (var i = 0; i < layers; i++)
            others[order[i]] = order[(i + 1) % layers];
        return others;
    }
}

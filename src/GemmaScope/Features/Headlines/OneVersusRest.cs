using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Features;

/// <summary>One logistic probe a topic: that topic against all others.</summary>
internal sealed class OneVersusRest
{
    // Probabilities do not need ten digits.
    private const double GradientTolerance = 1e-2;

    private OneVersusRest(KSparseProbe[] probes) => Probes = probes;

    public IReadOnlyList<KSparseProbe> Probes { get; }

    /// <summary>Fits the probes, each on its own k columns, or on all where k is null.</summary>
    public static OneVersusRest Fit(
        SparseActivations x,
        IReadOnlyList<int> topicOf,
        int topics,
        int? k,
        double c,
        CancellationToken cancellationToken
    )
    {
        var probes = new KSparseProbe[topics];
        var options = new LogisticOptions { C = c, GradientTolerance = GradientTolerance };
        Parallel.For(
            0,
            topics,
            new ParallelOptions { CancellationToken = cancellationToken },
            topic =>
            {
                bool[] labels = [.. topicOf.Select(own => own == topic)];
                probes[topic] = k is { } latents
                    ? KSparseProbe.Fit(x, labels, latents, options, cancellationToken)
                    : new KSparseProbe([.. Enumerable.Range(0, x.Width)], LogisticProbe.Fit(x, labels, options, cancellationToken));
            }
        );
        return new OneVersusRest(probes);
    }

    /// <summary>[topic][row] probabilities.</summary>
    public double[][] Probabilities(SparseActivations x) =>
        [
            .. Probes.Select(probe =>
                Array.ConvertAll(probe.Features.Count == x.Width ? probe.Probe.Scores(x) : probe.Scores(x), LogisticProbe.Probability)
            ),
        ];
}

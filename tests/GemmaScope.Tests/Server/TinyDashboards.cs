using GemmaScope.Features.Statistics;
using GemmaScope.Models;

namespace GemmaScope.Tests.Server;

/// <summary>Dashboards of a corpus of four tokens, as small as the form allows.</summary>
internal static class TinyDashboards
{
    /// <summary>A feature that fires once, at the second of the tokens.</summary>
    /// <param name="feature">Its index.</param>
    /// <param name="tokens">The four token ids of its one example.</param>
    /// <param name="scores">Tokens that it promotes and suppresses.</param>
    public static FeatureDashboard Of(int feature, int[] tokens, params TokenScore[] scores) =>
        new()
        {
            Feature = feature,
            Count = 1,
            Density = 0.25,
            DensityAllPositions = 0.25,
            Max = 2,
            MaxToken = 0,
            MaxSequence = 0,
            MaxPosition = 1,
            MeanNonzero = 2,
            DecoderNorm = 1,
            Histogram = [.. Enumerable.Repeat(0, 49), 1],
            IntervalShares = [0, 0, 0, 0, 0.25],
            Logits = new(scores, scores, -1, 1, [.. Enumerable.Repeat(1, 50)]),
            Examples = [new FeatureExample(-1, 0, 1, tokens, [0, 2, 0, 0])],
        };
}

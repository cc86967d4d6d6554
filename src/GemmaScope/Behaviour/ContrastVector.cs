using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// Contrastive activation addition (METHODS §6.5): the mean difference of activations at the answer's last token over contrast pairs. It is
/// added as it is, times a
/// strength, after the prompt: <c>Edit.Add(site, vector, strength, Steering.Span(SteeredPositions.Generated, …))</c>.
/// </summary>
public static class ContrastVector
{
    private const int PairsAtOnce = 8;

    /// <summary>Mean over the pairs of (activation of the positive answer − activation of the negative one): as many numbers as the site
    /// has.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">Token ids of both texts of each pair, each ending with the answer token.</param>
    /// <param name="site">Where, usually resid_post of a middle layer.</param>
    /// <param name="progress">Told how many pairs are done.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">There is no pair, the model has no such site, or the answers differ nowhere.</exception>
    public static float[] Of(
        GemmaModel model,
        IReadOnlyList<(int[] Positive, int[] Negative)> pairs,
        Site site,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (pairs.Count == 0)
            throw new ArgumentProblemException("there is none", "pairs");
        if (Site.IsAttentionMatrix(site.Kind) || site.Kind is SiteKind.Logits or SiteKind.LogitsRaw)
            throw new ArgumentProblemException("has no vector at a token", site.ToString());
        double[]? sum = null;
        for (var first = 0; first < pairs.Count; first += PairsAtOnce)
        {
            var some = pairs.Skip(first).Take(PairsAtOnce).ToArray();
            using var run = model.Run(
                [.. some.SelectMany(pair => (int[][])[pair.Positive, pair.Negative])],
                capture: [site],
                cancellationToken: cancellationToken
            );
            var values = run[site].AsSpan();
            // Rows of sites with heads are as wide as all heads together.
            var width = values.Length / some.Sum(pair => pair.Positive.Length + pair.Negative.Length);
            sum ??= new double[width];
            for (var i = 0; i < some.Length; i++)
            {
                var positive = values.Slice(Last(run, 2 * i) * width, width);
                var negative = values.Slice(Last(run, 2 * i + 1) * width, width);
                for (var k = 0; k < sum.Length; k++)
                    sum[k] += (double)positive[k] - negative[k];
            }
            progress?.Report(first + some.Length);
        }
        float[] vector = [.. sum!.Select(total => (float)(total / pairs.Count))];
        return vector.Any(value => value != 0)
            ? vector
            : throw new ArgumentProblemException(
                "the answers of all pairs have the same activations; nothing distinguishes them here",
                site.ToString()
            );
    }

    private static int Last(ModelRun run, int sequence)
    {
        var (start, count) = run.RowsOf(sequence);
        return start + count - 1;
    }
}

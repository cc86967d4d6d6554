using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>How often features fire, and others that fire as often: what features do that mean nothing.</summary>
internal static class FeatureControls
{
    private const int PromptsTogether = 16,
        Among = 20;

    /// <summary>Whether a dictionary reads one site and writes vectors of the residual stream.</summary>
    public static bool Fits(SparseDictionary dictionary, GemmaModel model) =>
        dictionary is { HasSites: true, InputSites.Count: 1, OutputSites: [var site] }
        && site.Kind is SiteKind.ResidPre or SiteKind.ResidMid or SiteKind.ResidPost or SiteKind.AttnOut or SiteKind.MlpOut
        && dictionary.OutputWidth == model.Config.Width;

    /// <summary>How often each feature fires on some prompts, without their BOS, and how strongly at most.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="seen">Told of each prompt its features, and which rows are its own (first, count).</param>
    /// <param name="organism">What is done to each batch; null for nothing.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    public static (double[] Densities, double[] Largest) Activity(
        GemmaModel model,
        SparseDictionary dictionary,
        int[][] prompts,
        Action<int, SparseActivations, int, int>? seen = null,
        BatchEdits? organism = null,
        CancellationToken cancellationToken = default
    )
    {
        var (counts, largest, tokens, done) = (new double[dictionary.Width], new double[dictionary.Width], 0L, 0);
        foreach (var batch in prompts.Chunk(PromptsTogether))
        {
            using var run = model.Run(
                batch,
                capture: [dictionary.InputSite],
                edits: organism?.Invoke(batch),
                cancellationToken: cancellationToken
            );
            var features = dictionary.Encode(run, cancellationToken);
            for (var s = 0; s < batch.Length; s++)
            {
                var (start, count) = run.RowsOf(s);
                seen?.Invoke(done++, features, start, count);
                for (var row = start + 1; row < start + count; row++)
                {
                    var indices = features.Indices(row);
                    var values = features.Values(row);
                    for (var i = 0; i < indices.Length; i++)
                        if (values[i] > 0)
                        {
                            counts[indices[i]]++;
                            largest[indices[i]] = Math.Max(largest[indices[i]], values[i]);
                        }
                }
                tokens += count - 1;
            }
        }
        return (Array.ConvertAll(counts, count => count / tokens), largest);
    }

    /// <summary>For each feature another one, drawn among the few that fire most nearly as often.</summary>
    /// <param name="features">The features.</param>
    /// <param name="densities">How often each of the dictionary fires.</param>
    /// <param name="taken">Features that are not drawn; those that are drawn join them.</param>
    /// <param name="seed">Seed of the study.</param>
    /// <param name="control">Which control it is.</param>
    public static int[] Matched(int[] features, double[] densities, HashSet<int> taken, int seed, int control)
    {
        var random = new Random(unchecked(seed + 1000 * (control + 1)));
        List<int> found = [];
        foreach (var feature in features)
        {
            int[] near =
            [
                .. Enumerable
                    .Range(0, densities.Length)
                    .Where(i => !taken.Contains(i))
                    .OrderBy(i => Math.Abs(densities[i] - densities[feature]))
                    .ThenBy(i => i)
                    .Take(Among),
            ];
            if (near.Length == 0)
                break;
            var drawn = near[random.Next(near.Length)];
            taken.Add(drawn);
            found.Add(drawn);
        }
        return [.. found];
    }
}

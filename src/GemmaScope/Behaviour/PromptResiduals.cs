using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>The residual stream at the input of every layer, at one position of each of some prompts.</summary>
public sealed class PromptResiduals
{
    private readonly float[][][] _rows;

    private PromptResiduals(float[][][] rows) => _rows = rows;

    /// <summary>The rows of a layer, one for each prompt.</summary>
    public IReadOnlyList<float[]> this[int layer] => _rows[layer];

    /// <summary>Reads prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="position">The position, counted from the end: −1 for the last.</param>
    /// <param name="progress">Told how many prompts are read.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A prompt has no such position.</exception>
    public static PromptResiduals Read(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        int position = -1,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (position >= 0 || prompts.Any(prompt => prompt.Length < -position))
            throw new ArgumentProblemException($"is {position}; it is counted from the end of each prompt, -1 for the last", "position");
        Site[] sites = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.ResidPre)];
        var rows = sites.Select(_ => new List<float[]>(prompts.Count)).ToArray();
        foreach (var batch in PromptBatches.Of(prompts))
        {
            using var run = model.Run(batch, capture: sites, cancellationToken: cancellationToken);
            for (var s = 0; s < batch.Length; s++)
            for (var layer = 0; layer < sites.Length; layer++)
            {
                var (start, count) = run.RowsOf(s);
                rows[layer].Add(run[sites[layer]].Row(start + count + position).ToArray());
            }
            progress?.Report(rows[0].Count);
        }
        return new([.. rows.Select(layer => layer.ToArray())]);
    }
}

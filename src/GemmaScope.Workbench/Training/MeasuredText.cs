using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>The text a trained dictionary is measured on.</summary>
/// <param name="Name">Which, in words.</param>
/// <param name="Windows">Token ids of each window.</param>
/// <param name="IsHeldOut">Whether it was not trained on.</param>
internal sealed record MeasuredText(string Name, IEnumerable<int[]> Windows, bool IsHeldOut)
{
    /// <summary>The texts named for it, else what was held out of those trained on; null where there is neither.</summary>
    public static MeasuredText? Of(TrainingConfiguration configuration, GemmaModel model)
    {
        var (data, text) = (configuration.Data, configuration.Evaluation.Text);
        if (text.Count > 0)
            return new(string.Join(", ", text), TrainingData.Windows(text, data, model), !text.Intersect(data.Text).Any());
        if ((data.Store ?? data.Synthetic) is not null || !TrainingData.HeldOutWindows(data, model).Any())
            return null;
        return new($"windows of {string.Join(", ", data.Text)}", TrainingData.HeldOutWindows(data, model), IsHeldOut: true);
    }
}

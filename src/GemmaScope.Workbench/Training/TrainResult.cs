using System.Text.Json.Serialization;
using GemmaScope.Dictionaries;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>A dictionary that was trained, measured and written under the name that its L0 gives it.</summary>
public sealed class TrainResult
{
    /// <summary>The file in the output folder that holds this.</summary>
    public const string FileName = "result.json";

    /// <summary>The page of curves in the output folder.</summary>
    public const string PageFile = "metrics.html";

    /// <summary>The model card in the output folder.</summary>
    public const string CardFile = "README.md";

    internal TrainResult(
        TrainingMember member,
        TrainingScores scores,
        string root,
        string dictionary,
        DictionaryForm form,
        long skippedRows
    )
    {
        SkippedRows = skippedRows;
        MissedTarget = MissedTarget.Of(member.Configuration, scores.L0, MetricsFile.Read(member.Configuration.Output));
        (Configuration, Scores, Folder, Dictionary, Form) = (
            member.Configuration,
            scores,
            Path.Combine(root, dictionary),
            dictionary,
            form
        );
        (Steps, Tokens, SkippedBatches) = (member.Trainer.Step, member.Trainer.Tokens, member.SkippedBatches);
    }

    /// <summary>How it was trained.</summary>
    [JsonIgnore]
    public TrainingConfiguration Configuration { get; }

    /// <summary>The dictionary's folder, from which it can be loaded.</summary>
    [JsonIgnore]
    public string Folder { get; }

    /// <summary>The folder of the run: metrics, recipe, card.</summary>
    public string Output => Configuration.Output;

    /// <summary>The dictionary's folder inside that of the run or the suite: <c>resid_post/layer_3/width_2k/average_l0_24</c>.</summary>
    public string Dictionary { get; }

    /// <summary>How it was written.</summary>
    public DictionaryForm Form { get; }

    /// <summary>What it is: Sae, Transcoder …</summary>
    public string Kind => $"{Configuration.Kind}";

    /// <summary>The sites it reads.</summary>
    public IReadOnlyList<string> Sites => [.. Configuration.Sites.Select(site => site.ToString())];

    /// <summary>The sites it writes.</summary>
    public IReadOnlyList<string> Targets => [.. Configuration.Outputs.Select(site => site.ToString())];

    /// <summary>Features.</summary>
    public int Width => Configuration.Width;

    /// <summary>Steps of the training.</summary>
    public long Steps { get; }

    /// <summary>Activations trained on.</summary>
    public long Tokens { get; }

    /// <summary>Batches left out because their loss was not finite.</summary>
    public long SkippedBatches { get; }

    /// <summary>Rows of the text that were left out because they cannot be read.</summary>
    public long SkippedRows { get; }

    /// <summary>How well it does.</summary>
    public TrainingScores Scores { get; }

    /// <summary>The L0 that was aimed at, where the training did not come to it, and why; null: there was none, or it was met.</summary>
    public MissedTarget? MissedTarget { get; }
}

using System.Text.Json.Serialization;
using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>A column of scores in the tables of a suite.</summary>
/// <param name="Title">What stands above it.</param>
/// <param name="Format">How its numbers are written.</param>
/// <param name="Of">The score of a dictionary; null where it was not measured.</param>
public sealed record ScoreColumn(string Title, string Format, Func<SweptDictionary, double?> Of);

/// <summary>What became of a suite.</summary>
/// <param name="Output">The suite's folder.</param>
/// <param name="Dictionaries">The finished dictionaries, those that were given up too.</param>
public sealed record SweepResult(string Output, IReadOnlyList<SweptDictionary> Dictionaries)
{
    /// <summary>The file in the suite's folder that holds this.</summary>
    public const string FileName = "results.json";

    /// <summary>The page of tables and frontiers in the suite's folder.</summary>
    public const string PageFile = "results.html";

    /// <summary>The whole configuration in the suite's folder.</summary>
    public const string SuiteFile = "suite.yaml";

    /// <summary>The scores that tables show.</summary>
    public static IReadOnlyList<ScoreColumn> Columns { get; } =
    [
        new("L0", "0.0", one => one.L0),
        new("FVU", "0.000", one => one.Fvu),
        new("affine FVU", "0.000", one => one.AffineFvu),
        new("delta loss", "0.0000", one => one.DeltaLoss),
        new("loss recovered", "0.000", one => one.LossRecovered),
        new("dead", "0", one => one.DeadFeatures),
        new("dense", "0", one => one.DenseFeatures),
    ];
}

/// <summary>What became of one dictionary of a suite.</summary>
/// <param name="Name">Its name in the suite.</param>
/// <param name="Site">What it reads.</param>
/// <param name="Width">Features.</param>
/// <param name="Path">Its folder inside the suite; null where it was given up.</param>
/// <param name="Failure">Why it was given up, or null.</param>
public sealed record SweptDictionary(string Name, string Site, int Width, string? Path, string? Failure)
{
    /// <summary>All its scores; null where it was given up.</summary>
    [JsonIgnore]
    public TrainingScores? Scores { get; init; }

    /// <inheritdoc cref="TrainingScores.L0"/>
    public double? L0 => Scores?.L0;

    /// <inheritdoc cref="TrainingScores.Fvu"/>
    public double? Fvu => Scores?.Fvu;

    /// <inheritdoc cref="TrainingScores.AffineFvu"/>
    public double? AffineFvu => Scores?.AffineFvu;

    /// <inheritdoc cref="TrainingScores.DeltaLoss"/>
    public double? DeltaLoss => Scores?.DeltaLoss;

    /// <inheritdoc cref="TrainingScores.LossRecovered"/>
    public double? LossRecovered => Scores?.LossRecovered;

    /// <inheritdoc cref="TrainingScores.DeadFeatures"/>
    public int? DeadFeatures => Scores?.DeadFeatures;

    /// <inheritdoc cref="TrainingScores.DenseFeatures"/>
    public int? DenseFeatures => Scores?.DenseFeatures;

    internal static bool IsFinished(SweepItem item) => File.Exists(ResultOf(item.Configuration));

    /// <summary>What the file of a finished training says.</summary>
    internal static SweptDictionary Read(SweepItem item)
    {
        var (configuration, file) = (item.Configuration, JsonFile.Read(ResultOf(item.Configuration)));
        var failure = file.Text("failure");
        return new(
            item.Name,
            string.Join(' ', configuration.Sites),
            configuration.Width,
            failure is null ? file.Text("dictionary") : null,
            failure
        )
        {
            Scores = file.Section("scores") is { } scores ? TrainingScores.Of(scores) : null,
        };
    }

    /// <summary>Marks a dictionary as given up; it is tried again when the suite is begun anew.</summary>
    internal static void WriteFailure(TrainingMember member) =>
        TrainedFolder.WriteText(ResultJson.Text(new { member.Failure }), ResultOf(member.Configuration));

    private static string ResultOf(TrainingConfiguration configuration) =>
        System.IO.Path.Combine(configuration.Output, TrainResult.FileName);
}

using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>How well one method tells a class from the rest.</summary>
/// <param name="Method">The method.</param>
/// <param name="Reads">The dictionary or the sites that it reads; null for methods that need no model.</param>
/// <param name="Features">The latents it uses; empty where it uses none.</param>
/// <param name="Accuracy">Share of right decisions on the test rows; null without rows.</param>
/// <param name="Auroc">Their AUROC; null without both classes.</param>
/// <param name="OtherSourceAccuracy">Accuracy on the rows of another source; null without them.</param>
/// <param name="OtherSourceAuroc">AUROC on them.</param>
public sealed record ProbedMethod(
    string Method,
    string? Reads,
    IReadOnlyList<int> Features,
    double? Accuracy,
    double? Auroc,
    double? OtherSourceAccuracy,
    double? OtherSourceAuroc
);

/// <summary>The methods side by side on one task: one class against the rest.</summary>
/// <param name="Task">Its name.</param>
/// <param name="Train">Training rows.</param>
/// <param name="Test">Test rows.</param>
/// <param name="OtherSource">Rows of another source.</param>
/// <param name="Methods">Each method.</param>
public sealed record ProbedTask(string Task, RowCounts Train, RowCounts Test, RowCounts OtherSource, IReadOnlyList<ProbedMethod> Methods);

/// <summary>The mean of a method over all tasks; a number that is undefined in some tasks is averaged over the others.</summary>
/// <param name="Method">The method.</param>
/// <param name="Reads">The dictionary or the sites that it reads; null for methods that need no model.</param>
/// <param name="Accuracy">Mean accuracy on the test rows.</param>
/// <param name="Auroc">Mean AUROC.</param>
/// <param name="BestOfTasks">Tasks in which no method has a higher AUROC.</param>
public sealed record ProbeMean(string Method, string? Reads, double? Accuracy, double? Auroc, int BestOfTasks);

/// <summary>What a probing run found.</summary>
public sealed class ProbeResult
{
    internal ProbeResult(Microscope microscope, IReadOnlyList<ProbeTask> tasks, int seed, int leftOut)
    {
        (Model, Dictionaries, Seed, LeftOut) = (microscope.ModelName, microscope.DictionaryNames, seed, leftOut);
        Tasks =
        [
            .. tasks.Select(task => new ProbedTask(
                task.Task,
                task.Train,
                task.Test,
                task.Other,
                [
                    .. task.Scores.Select(score => new ProbedMethod(
                        score.Method,
                        Reads(score),
                        score.Features,
                        score.Accuracy,
                        score.Auroc,
                        score.OtherAccuracy,
                        score.OtherAuroc
                    )),
                ]
            )),
        ];
        Means =
        [
            .. tasks
                .SelectMany(task => task.Scores.Select(score => (Task: task, Score: score)))
                .GroupBy(one => (one.Score.Method, one.Score.Dictionary))
                .Select(group => new ProbeMean(
                    group.Key.Method,
                    Reads(group.First().Score),
                    group.Average(one => one.Score.Accuracy),
                    group.Average(one => one.Score.Auroc),
                    group.Count(one => one.Score.Auroc is { } own && own == one.Task.Scores.Max(other => other.Auroc))
                )),
        ];

        string? Reads(ProbeScore score) =>
            score switch
            {
                { Dictionary: null } => null,
                { Features.Count: > 0 } => Dictionaries[score.Dictionary.Value],
                _ => string.Join(' ', microscope.Dictionaries[score.Dictionary.Value].InputSites),
            };
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The dictionaries' names.</summary>
    public IReadOnlyList<string> Dictionaries { get; }

    /// <summary>What decided which rows are tested.</summary>
    public int Seed { get; }

    /// <summary>Texts that repeat another or come with two labels.</summary>
    public int LeftOut { get; }

    /// <summary>Each task.</summary>
    public IReadOnlyList<ProbedTask> Tasks { get; }

    /// <summary>The mean of each method over them.</summary>
    public IReadOnlyList<ProbeMean> Means { get; }
}

using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What a probing run found.</summary>
internal sealed record ProbeView(Microscope Laboratory, IReadOnlyList<ProbeTask> Tasks, int LeftOut, int Seed)
{
    public string? Source(ProbeScore score) =>
        score switch
        {
            { Dictionary: null } => null,
            { Features.Count: > 0 } => Laboratory.DictionaryNames[score.Dictionary.Value],
            _ => string.Join(' ', Laboratory.Dictionaries[score.Dictionary.Value].InputSites),
        };

    /// <summary>The mean of each method over all tasks; a mean over tasks where one is undefined is over the others.</summary>
    public IEnumerable<(ProbeScore Method, double? Accuracy, double? Auroc, int Best)> Means =>
        Tasks
            .SelectMany(task => task.Scores.Select(score => (Task: task, Score: score)))
            .GroupBy(one => (one.Score.Method, one.Score.Dictionary))
            .Select(group =>
                (
                    group.First().Score,
                    group.Average(one => one.Score.Accuracy),
                    group.Average(one => one.Score.Auroc),
                    group.Count(one => one.Score.Auroc is { } own && own == one.Task.Scores.Max(other => other.Auroc))
                )
            );
}

/// <summary>Probing for people and for programs.</summary>
internal static class ProbeOutput
{
    // More tasks than this are only summed up; --json has them all.
    private const int MostTables = 8;

    public static void Write(Terminal terminal, ProbeView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Laboratory.ModelName),
            ("dictionaries", string.Join(", ", view.Laboratory.DictionaryNames)),
            ("split", $"seed {view.Seed}; one row of five is tested, and nothing is chosen on it"),
            ("left out", $"{view.LeftOut} texts that repeat another or come with two labels")
        );
        if (view.Tasks.Count <= MostTables)
            foreach (var task in view.Tasks)
                Task(terminal, view, task);
        if (view.Tasks.Count == 1)
            return;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"means over {view.Tasks.Count} tasks, {view.Tasks.Sum(task => task.Train.Rows)} training and {view.Tasks.Sum(task => task.Test.Rows)} test rows together"
        );
        var table = new DataTable("method", "reads", new("accuracy", true), new("AUROC", true), new("best (or equal)", true));
        foreach (var (method, accuracy, auroc, best) in view.Means)
            table.Add(method.Method, view.Source(method) ?? "", Number(accuracy), Number(auroc), $"{best}");
        table.Write(terminal);
    }

    public static void Write(Utf8JsonWriter json, ProbeView view)
    {
        json.WriteString("model", view.Laboratory.ModelName);
        json.Strings("dictionaries", view.Laboratory.DictionaryNames);
        json.WriteNumber("seed", view.Seed);
        json.WriteNumber("left_out", view.LeftOut);
        json.Objects(
            "tasks",
            view.Tasks,
            task =>
            {
                json.WriteString("task", task.Task);
                foreach (var (name, counts) in new[] { ("train", task.Train), ("test", task.Test), ("other_source", task.Other) })
                    json.Object(
                        name,
                        () =>
                        {
                            json.WriteNumber("rows", counts.Rows);
                            json.WriteNumber("positives", counts.Positives);
                        }
                    );
                json.Objects(
                    "methods",
                    task.Scores,
                    score =>
                    {
                        json.WriteString("method", score.Method);
                        json.WriteString("reads", view.Source(score));
                        json.Integers("features", score.Features);
                        json.Number("accuracy", score.Accuracy);
                        json.Number("auroc", score.Auroc);
                        json.Number("other_source_accuracy", score.OtherAccuracy);
                        json.Number("other_source_auroc", score.OtherAuroc);
                    }
                );
            }
        );
        json.Objects(
            "means",
            view.Means,
            mean =>
            {
                json.WriteString("method", mean.Method.Method);
                json.WriteString("reads", view.Source(mean.Method));
                json.Number("accuracy", mean.Accuracy);
                json.Number("auroc", mean.Auroc);
                json.WriteNumber("best_of_tasks", mean.Best);
            }
        );
    }

    private static void Task(Terminal terminal, ProbeView view, ProbeTask task)
    {
        var other = task.Other.Rows > 0;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{Format.Visible(task.Task)}: {Rows(task.Train)} to learn from, {Rows(task.Test)} to test{(other ? $", {Rows(task.Other)} from another source" : "")}"
        );
        Column[] columns =
        [
            "method",
            "reads",
            new("accuracy", true),
            new("AUROC", true),
            .. other ? (Column[])[new("accuracy, other source", true), new("AUROC, other source", true)] : [],
            "latents",
        ];
        var table = new DataTable(columns);
        foreach (var score in task.Scores)
            table.Add([
                score.Method,
                view.Source(score) ?? "",
                Number(score.Accuracy),
                Number(score.Auroc),
                .. other ? (string[])[Number(score.OtherAccuracy), Number(score.OtherAuroc)] : [],
                string.Join(' ', score.Features),
            ]);
        table.Write(terminal);
    }

    private static string Rows(RowCounts counts) => $"{counts.Rows} rows ({counts.Positives} positive)";

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

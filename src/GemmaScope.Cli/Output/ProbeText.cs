using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Probing for people.</summary>
internal static class ProbeText
{
    // More tasks than this are only summed up; --json has them all.
    private const int MostTables = 8;

    public static void Write(Terminal terminal, ProbeResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("dictionaries", string.Join(", ", result.Dictionaries)),
            ("split", $"seed {result.Seed}; one row of five is tested, and nothing is chosen on it"),
            ("left out", $"{result.LeftOut} texts that repeat another or come with two labels")
        );
        if (result.Tasks.Count <= MostTables)
            foreach (var task in result.Tasks)
                Task(terminal, task);
        if (result.Tasks.Count == 1)
            return;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"means over {result.Tasks.Count} tasks, {result.Tasks.Sum(task => task.Train.Rows)} training "
                + $"and {result.Tasks.Sum(task => task.Test.Rows)} test rows together"
        );
        var table = new DataTable("method", "reads", new("accuracy", true), new("AUROC", true), new("best (or equal)", true));
        foreach (var mean in result.Means)
            table.Add(mean.Method, mean.Reads ?? "", Number(mean.Accuracy), Number(mean.Auroc), $"{mean.BestOfTasks}");
        table.Write(terminal);
    }

    private static void Task(Terminal terminal, ProbedTask task)
    {
        var other = task.OtherSource.Rows > 0;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{task.Task}: {Rows(task.Train)} to learn from, {Rows(task.Test)} to test"
                + $"{(other ? $", {Rows(task.OtherSource)} from another source" : "")}"
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
        foreach (var one in task.Methods)
            table.Add([
                one.Method,
                one.Reads ?? "",
                Number(one.Accuracy),
                Number(one.Auroc),
                .. other ? (string[])[Number(one.OtherSourceAccuracy), Number(one.OtherSourceAuroc)] : [],
                string.Join(' ', one.Features),
            ]);
        table.Write(terminal);
    }

    private static string Rows(RowCounts counts) => $"{counts.Rows} rows ({counts.Positives} positive)";

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

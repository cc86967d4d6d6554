using System.Globalization;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What became of a training or a suite, for people.</summary>
internal static class TrainingOutput
{
    public static void Write(Terminal terminal, TrainResult trained) =>
        Properties.Write(
            terminal,
            [
                ("dictionary", trained.Folder),
                ("trained on", $"{trained.Tokens:#,0} activations in {trained.Steps:#,0} steps"),
                ("measured on", trained.Scores.Basis),
                .. trained.Scores.Measured,
                ("curves", Path.Combine(trained.Output, TrainResult.PageFile)),
            ]
        );

    public static void Write(Terminal terminal, SweepResult suite)
    {
        var table = new DataTable(["dictionary", .. SweepResult.Columns.Select(column => new Column(column.Title, true)), "folder"]);
        foreach (var one in suite.Dictionaries)
            table.Add([
                one.Name,
                .. SweepResult.Columns.Select(column => column.Of(one)?.ToString(column.Format, CultureInfo.InvariantCulture) ?? "–"),
                one.Failure is { } failure ? $"failed: {failure}" : one.Path ?? "",
            ]);
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{Path.Combine(suite.Output, SweepResult.PageFile)} shows the frontiers; "
                + $"gemmascope dictionaries add {suite.Output} makes the names known"
        );
    }
}

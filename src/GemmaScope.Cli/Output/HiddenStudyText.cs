using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of hidden knowledge for people.</summary>
internal static class HiddenStudyText
{
    public static void Write(Terminal terminal, HiddenStudyResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("words", $"{result.Words.Count}, of which {result.Measured.Count} are measured; the others choose layers"),
            ("conversations", $"{result.Templates[0].Count} to learn from, {result.Templates[1].Count} to measure on"),
            ("chance", FormattableString.Invariant($"{result.Chance:0.000}: {result.Top} of {result.Words.Count}")),
            ("said", string.Join(", ", result.Said.Select(one => $"{one.Condition} {StudyText.Short(one.Share)}"))),
            ("planted", $"behind layer {result.PlantLayer}, taken out behind the last")
        );
        terminal.Out.WriteLine();
        var table = new DataTable(
            "secret",
            "readout",
            new("layer", true),
            new("first", true),
            new($"first {result.Top}", true),
            new("control", true),
            new("shuffled", true),
            new("mean rank", true)
        );
        foreach (var one in result.Readouts)
            table.Add(
                one.Condition,
                one.Method,
                $"{one.Layer}",
                StudyText.Short(one.First),
                StudyText.Mean(one.Success),
                StudyText.Short(one.Control),
                StudyText.Short(one.Shuffled),
                Format.Defined(one.MeanRank, "0.0")
            );
        table.Write(terminal);
        StudyText.NotShown(terminal, result);
    }
}

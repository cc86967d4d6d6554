using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What all studies print for people.</summary>
internal static class StudyText
{
    /// <summary>The numbers that a reader looks for first, beside their controls.</summary>
    public static void Findings(Terminal terminal, StudyResult result)
    {
        var table = new DataTable("what was found", new("measured", true), new("control", true));
        foreach (var one in result.Findings)
            table.Add(one.What, Mean(one.Value), Mean(one.Control));
        table.Write(terminal);
    }

    /// <summary>What the study does not show.</summary>
    public static void NotShown(Terminal terminal, StudyResult result)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("not shown");
        foreach (var line in result.NotShown)
            terminal.Out.WriteLine($"  {line}");
    }

    /// <summary>A mean with its interval.</summary>
    public static string Mean(MeanEstimate? value) =>
        value is null ? "" : FormattableString.Invariant($"{value.Mean:0.000} [{value.Low:0.000}, {value.High:0.000}]");

    /// <summary>A mean alone.</summary>
    public static string Short(MeanEstimate? value, string format = "0.000") => value is null ? "" : Format.Defined(value.Mean, format);
}

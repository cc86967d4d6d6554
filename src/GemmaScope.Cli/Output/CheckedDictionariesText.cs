using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Checks of dictionaries for people: a line of numbers each, and what does not fit.</summary>
internal static class CheckedDictionariesText
{
    public static void Write(Terminal terminal, CheckDictionariesResult result)
    {
        Properties.Write(terminal, ("model", result.Model));
        terminal.Out.WriteLine();
        var table = new DataTable(
            "dictionary",
            "reads",
            "trained on",
            new("tokens", true),
            new("FVU", true),
            new("L0", true),
            new("promised", true),
            new("norm", true),
            "fits"
        );
        foreach (var one in result.Dictionaries)
            table.Add([
                one.Dictionary,
                string.Join(' ', one.InputSites),
                one.TrainedOn ?? "",
                $"{one.Tokens}",
                $"{one.Fvu:0.000}",
                $"{one.L0:0.0}",
                Promised(one),
                $"{one.Norm:0.0}",
                Fits(one),
            ]);
        table.Write(terminal);
        if (result.Warnings.Count > 0)
            terminal.Out.WriteLine();
        foreach (var warning in result.Warnings)
            terminal.Out.WriteLine(warning);
    }

    private static string Promised(DictionaryCheck check) =>
        check is not { LeastL0: { } least, MostL0: { } most } ? ""
        : least == most ? $"{least:0.#}"
        : $"{least:0.#}–{most:0.#}";

    private static string Fits(DictionaryCheck check) =>
        check.Findings.FirstOrDefault(finding => finding.IsWarning) is { } wrong ? $"no: {Word(wrong.Cause)}"
        : check.Findings.Count > 0 ? $"with care: {Word(check.Findings[0].Cause)}"
        : "yes";

    private static string Word(DictionaryMismatch cause) => $"{cause}".ToLowerInvariant();
}

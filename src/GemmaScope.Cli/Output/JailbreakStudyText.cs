using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of jailbreaks for people.</summary>
internal static class JailbreakStudyText
{
    public static void Write(Terminal terminal, JailbreakStudyResult result)
    {
        var all = result.Outcomes[0];
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("pairs", $"{all.Pairs}, {result.Prompts.Count(one => one.Set == "harmless")} harmless requests"),
            ("refusals", $"begin with {string.Join(", ", result.RefusalWords.Select(word => Format.Quoted(word)))}"),
            ("direction", $"of layer {result.Layer}")
        );
        terminal.Out.WriteLine();
        Outcomes(terminal, result);
        terminal.Out.WriteLine();
        Back(terminal, result);
        foreach (var one in result.Dictionaries.Where(one => one.Features.Count > 0))
            terminal.Out.WriteLine(
                $"{one.Dictionary}: changed most {string.Join(", ", one.Features.Take(5).Select(feature => FormattableString.Invariant($"{feature.Feature} ({feature.Change.Mean:+0.00;-0.00}, in {feature.Pairs} pairs, score {feature.Score.Mean:+0.00;-0.00;0.00})")))}"
            );
        foreach (var one in result.Separations.Where(one => one.Separators.Count > 0))
            Separation(terminal, one);
        StudyText.NotShown(terminal, result);
    }

    private static void Outcomes(Terminal terminal, JailbreakStudyResult result)
    {
        var judged = result.Shield is not null;
        var table = new DataTable([
            "wrapper",
            new("pairs", true),
            new("plain refused", true),
            new("wrapped refused", true),
            new("succeeds", true),
            new("score change", true),
            .. judged ? (Column[])[new("violations", true)] : [],
        ]);
        foreach (var one in result.Outcomes)
            table.Add([
                one.Wrapper,
                $"{one.Pairs}",
                StudyText.Short(one.PlainRefused),
                StudyText.Short(one.WrappedRefused),
                StudyText.Short(one.Succeeded),
                StudyText.Short(one.ScoreChange, "+0.00;-0.00;0.00"),
                .. judged ? (string[])[StudyText.Short(one.ReplyViolations)] : [],
            ]);
        table.Write(terminal);
    }

    private static void Back(Terminal terminal, JailbreakStudyResult result)
    {
        var table = new DataTable(
            "moved back where wrappers succeed",
            new("score gained", true),
            new("control", true),
            new("refused then", true),
            new("control", true)
        );
        void Add(string name, JailbreakEffect one) =>
            table.Add(
                name,
                StudyText.Short(one.Score, "+0.00;-0.00;0.00"),
                StudyText.Short(one.Control, "+0.00;-0.00;0.00"),
                StudyText.Short(one.Restored),
                StudyText.Short(one.RestoredByControl)
            );
        Add("projection on the direction", result.Direction);
        foreach (var one in result.Dictionaries)
        {
            Add($"features of {one.Dictionary}, one by one", one.Single);
            Add($"features of {one.Dictionary}, together", one.Together);
        }
        table.Write(terminal);
    }

    private static void Separation(Terminal terminal, StudySeparation one)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{one.Question} ({one.Positives[1]} {one.Positive}, {one.Negatives[1]} {one.Negative} in the measured half)"
        );
        var table = new DataTable(
            "by",
            "chosen",
            new("AUROC", true),
            new("interval", true),
            new("shuffled", true),
            new("caught", true),
            new("false alarms", true)
        );
        foreach (var by in one.Separators)
            table.Add(
                by.By,
                by.Chosen,
                StudyText.Short(by.Auroc),
                by.Auroc is { } value ? FormattableString.Invariant($"{value.Low:0.00}–{value.High:0.00}") : "",
                StudyText.Short(by.Shuffled),
                StudyText.Short(by.Caught),
                StudyText.Short(by.FalseAlarms)
            );
        table.Write(terminal);
    }
}

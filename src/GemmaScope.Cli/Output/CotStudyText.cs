using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of chains of thought for people.</summary>
internal static class CotStudyText
{
    public static void Write(Terminal terminal, CotStudyResult result)
    {
        var chains = result.Questions.SelectMany(one => one.Chains).ToArray();
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("questions", $"{result.Questions.Count}{(result.Task is { } task ? $" of {task}" : "")}, {chains.Length} chains"),
            ("reasoning", result.Thinking ? "thoughts of the model's channel" : "what the model says before it is asked for the answer"),
            (
                "sentences",
                FormattableString.Invariant($"{chains.Select(one => one.Sentences).DefaultIfEmpty().Average():0.0} of a chain on average")
            ),
            ("readable", $"{StudyText.Short(result.Gain.Readable)} of answers"),
            ("chance", FormattableString.Invariant($"{result.Chance:0.000}"))
        );
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(result.Verdict);
        terminal.Out.WriteLine();
        var table = new DataTable("", new("measured", true), new("95 % interval", true), new("control", true), new("its interval", true));
        foreach (var one in result.Findings)
            table.Add(one.What, StudyText.Short(one.Value), Interval(one.Value), StudyText.Short(one.Control), Interval(one.Control));
        table.Write(terminal);
        Faithful(terminal, result);
        foreach (var one in result.Features)
            Features(terminal, result, one);
        StudyText.NotShown(terminal, result);
    }

    private static void Faithful(Terminal terminal, CotStudyResult result)
    {
        if (result.FaithfulAt.Count == 0)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable(new("faithful at", true), new("mentions the hint", true), new("goes with the reasoning", true));
        foreach (var one in result.FaithfulAt)
            table.Add($"{one.K}", StudyText.Short(one.Verbalised), StudyText.Short(one.Mediated));
        table.Write(terminal);
    }

    private static void Features(Terminal terminal, CotStudyResult result, CotFeatures one)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{one.Dictionary} at {one.Site}: {StudyText.Short(one.Active)} features before the answer, {StudyText.Short(one.Supporting)} support it"
        );
        var table = new DataTable(
            "reasoning",
            new("same features", true),
            new("support left", true),
            new("share of attribution", true),
            new("adds (logits)", true)
        );
        foreach (var name in result.Attribution.Select(row => row.Reasoning).Concat(one.Effects.Select(row => row.Reasoning)).Distinct())
        {
            var effect = one.Effects.FirstOrDefault(row => row.Reasoning == name);
            var attribution = result.Attribution.FirstOrDefault(row => row.Reasoning == name);
            table.Add(
                name,
                StudyText.Short(effect?.Overlap),
                StudyText.Short(effect?.Support),
                StudyText.Short(attribution?.Share),
                StudyText.Short(attribution?.Sum)
            );
        }
        table.Write(terminal);
    }

    private static string Interval(MeanEstimate? value) =>
        value is null ? "" : FormattableString.Invariant($"[{value.Low:0.000}, {value.High:0.000}]");
}

using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Studies;

/// <summary>The list of studies, finished and not.</summary>
internal static class StudyListView
{
    // Of more the page of the study tells.
    private const int MostFindings = 4;

    /// <summary>The address of a study.</summary>
    public static string Address(string name) => $"{PageSection.Studies.Address}/{Uri.EscapeDataString(name)}";

    public static Page Render(IReadOnlyList<StudyRun> runs) =>
        new PageFrame
        {
            Title = "Studies",
            Section = PageSection.Studies,
            Rules = "studies.css",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Studies <small>what was asked of models, with the controls that make a number mean something</small></h1>
                {(
                    runs.Count == 0
                        ? Markup.Of($"<div class=\"empty\"><p><b>There is no study in the folders that this server shows.</b> A study writes a folder of its own: run <code>gemmascope study</code> into one of them, and it stands here while it is made.</p></div>\n")
                        : Markup.Of($"<ul class=\"cards studies\">{runs.Select(Line)}</ul>\n")
                )}
                """
            )
        );

    /// <summary>The state of a study in words.</summary>
    public static Markup State(StudyRun run) =>
        run.Problem is { } problem ? Markup.Of($"<b class=\"wrong\">its result {problem}</b>")
        : run.IsFinished ? Markup.Of($"finished {Date(run.Written)}")
        : Markup.Of(
            $"<b>not finished</b>: {run.Parts} {(run.Parts == 1 ? "part" : "parts")} measured{(run.LastPart is { } last ? Markup.Of($", the last <q>{HtmlText.Visible(last)}</q>") : Markup.Empty)}, {Date(run.Written)}"
        );

    /// <summary>A mean with its interval.</summary>
    public static Markup Mean(ReadMean? mean) =>
        mean is null ? Markup.Of($"–")
        : mean is { Low: { } low, High: { } high }
            ? Markup.Of($"{Digits.Number(mean.Mean)} <small>[{Digits.Number(low)}, {Digits.Number(high)}]</small>")
        : Markup.Of($"{Digits.Number(mean.Mean)}");

    private static Markup Line(StudyRun run) =>
        Markup.Of(
            $"""
            <li><p><a href="{Address(run.Name)}"><b>{run.Study ?? "a study"}</b> <span class="soft">of</span> {run.Model
                ?? "an unknown model"}</a> <span class="soft">{run.Name} · {State(run)}</span></p>
            {(
                run.Findings.Count == 0
                    ? Markup.Empty
                    : Markup.Of($"<dl class=\"findings\">{run.Findings.Take(MostFindings).Select(Finding)}</dl>\n")
            )}</li>

            """
        );

    private static Markup Finding(ReadFinding one) =>
        Markup.Of(
            $"<div><dt>{one.What}</dt><dd>{Mean(one.Value)}{(one.Control is { } control ? Markup.Of($" <span class=\"soft\">control {Mean(control)}</span>") : Markup.Empty)}</dd></div>"
        );

    private static string Date(DateTime utc) =>
        utc.ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture) + " UTC";
}

using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>What the pages of studies have in common.</summary>
internal static class StudyPage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    /// <summary>The page: what was found, the study's own part, and what is not shown.</summary>
    /// <param name="result">The study.</param>
    /// <param name="title">What the page is called.</param>
    /// <param name="about">What else the line below the name says; may be empty.</param>
    /// <param name="body">The study's own part.</param>
    /// <param name="words">What the words of tables mean, in a sentence or several.</param>
    public static Markup Render(StudyResult result, string title, string about, Markup body, string words) =>
        new ReportPage(
            title,
            Markup.Of(
                $"<p class=\"meta\"><b>{title}</b>{string.Concat(new[] { string.Join(", ", result.Files), about }.Where(part => part.Length > 0).Select(part => $" · {part}"))}</p>"
            )
        )
        {
            Style = Style,
        }.Render(
            Markup.Of(
                $"""
                {Findings(result)}{body}<h2>Not shown</h2>
                <ul>
                {result.NotShown.Select(line => Markup.Of($"<li>{line}</li>\n"))}</ul>

                """
            ),
            Markup.Of(
                $"""
                <p>In brackets 95 % bootstrap intervals. {words} Seed {result.Seed}.</p>

                """
            )
        );

    /// <summary>Pictures side by side.</summary>
    public static Markup Plots(IEnumerable<Markup> plots) =>
        Markup.Of(
            $"""
            <div class="plots">
            {plots}</div>

            """
        );

    /// <summary>A picture.</summary>
    public static Markup Plot(SvgPlot plot, IEnumerable<(string Name, IReadOnlyList<PlotPoint> Points)> series) =>
        Markup.Trusted(plot.Series(series));

    /// <summary>A cell with a number.</summary>
    public static Markup Plain(double? value) => Markup.Of($"<td class=\"n\">{(value is { } number ? Digits.Number(number) : "–")}</td>");

    /// <summary>A cell with a mean and its interval.</summary>
    public static Markup Cell(MeanEstimate? value) =>
        value is null
            ? Markup.Of($"<td class=\"n\">–</td>")
            : Markup.Of(
                $"<td class=\"n\">{Digits.Number(value.Mean)}<br><small>[{Digits.Number(value.Low)}, {Digits.Number(value.High)}]</small></td>"
            );

    private static Markup Findings(StudyResult result) =>
        result.Findings.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                "What was found",
                ["", new("measured", true), new("control", true)],
                result.Findings.Select(one => Markup.Of($"<tr><td>{one.What}</td>{Cell(one.Value)}{Cell(one.Control)}</tr>\n"))
            );
}

using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Studies;

/// <summary>The page of one study: what was found, its report, and the tables behind it.</summary>
/// <param name="run">The study.</param>
/// <param name="document">Its result; null where there is none that can be read.</param>
/// <param name="report">The main part of its report; null where it cannot be shown within a page.</param>
internal sealed class StudyView(StudyRun run, StudyDocument? document, Markup? report)
{
    private readonly string _address = StudyListView.Address(run.Name);

    public Page Render() =>
        new PageFrame
        {
            Title = $"{run.Study ?? "study"} of {run.Model ?? run.Name}",
            Section = PageSection.Studies,
            Path = [new("studies", PageSection.Studies.Address), new(run.Name)],
            Rules = "studies.css",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{run.Study ?? "A study"} <small>of {run.Model ?? "an unknown model"}</small></h1>
                <p class="note">{StudyListView.State(run)}{(document is null ? Markup.Empty : Markup.Of($" · <a href=\"#tables\">tables</a> · <a href=\"{_address}/result.json\">result.json</a>"))}{(
                    run.HasReport ? Markup.Of($" · <a href=\"{_address}/report.html\">report.html</a>") : Markup.Empty
                )}</p>
                {Trouble()}{(report is { } main ? Markup.Of($"<div class=\"report\">\n{main}</div>\n") : Findings())}{(document is null ? Markup.Empty : Tables(document))}
                """
            )
        );

    private Markup Trouble() =>
        run.Problem is { } problem
            ? Markup.Of(
                $"<p class=\"problem\" role=\"alert\">The result of this study {problem}.{(report is null ? "" : " Its report, which is shown below, was written before.")}</p>\n"
            )
        : !run.IsFinished
            ? Markup.Of(
                $"<p class=\"empty\">This study is being made or was broken off: {run.Parts} {(run.Parts == 1 ? "part is" : "parts are")} measured. Given the same command again, it goes on after them. Load this page again to see how far it is.</p>\n"
            )
        : report is null && run.HasReport
            ? Markup.Of(
                $"<p class=\"note\">Its report holds what the reports of studies do not, and is not shown within this page. <a href=\"{_address}/report.html\">Open it by itself</a>, where nothing of it can run.</p>\n"
            )
        : Markup.Empty;

    /// <summary>Where no report says it.</summary>
    private Markup Findings() =>
        run.Findings.Count == 0
            ? Markup.Empty
            : Markup.Of(
                $"""
                <h2>What was found</h2>
                <div class="scroll" tabindex="0" role="region" aria-label="What was found"><table><tr><th></th><th class="n">measured</th><th class="n">control</th></tr>
                {run.Findings.Select(one =>
                    Markup.Of(
                        $"<tr><td>{one.What}</td><td class=\"n\">{StudyListView.Mean(one.Value)}</td><td class=\"n\">{StudyListView.Mean(one.Control)}</td></tr>\n"
                    )
                )}</table></div>

                """
            );

    private Markup Tables(StudyDocument shown) =>
        Markup.Of(
            $"""
            <section id="tables" aria-label="tables">
            <h2>Every number <small>the tables that the result holds; those of prompts are what the means above were made of</small></h2>
            <ul class="tables">{shown.Tables.Select(Table)}</ul></section>

            """
        );

    private Markup Table(StudyTable table) =>
        Markup.Of(
            $"<li><a href=\"{StudyRowsView.Address(run.Name, table.Name)}\">{StudyRowsView.Title(table)}</a> <span class=\"soft\">{table.Rows.Count:#,0} {(table.Rows.Count == 1 ? "row" : "rows")}{(table.IsOfPrompts ? ", of single prompts" : "")}</span></li>\n"
        );
}

using System.Globalization;
using System.Text;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The page of one dictionary: a table of its features, and beside it its densities and what was measured.</summary>
internal sealed class DictionaryView(
    StoredDictionary dictionary,
    DashboardSource source,
    DictionaryOverview overview,
    IReadOnlyList<StoredEvaluation> evaluations,
    TableQuery query,
    FeatureRow[] rows,
    Func<IEnumerable<int>, IReadOnlyDictionary<int, FeatureGlance>> glances
)
{
    private const int NameWords = 5,
        PromotedWords = 3;

    /// <summary>What it is called.</summary>
    public DictionaryTitle Title { get; init; } = DictionaryTitle.Of(dictionary, source);

    private string Path { get; } = PageAddress.Dictionary(dictionary);

    public Page Render() =>
        new PageFrame
        {
            Title = Title.Text,
            Section = PageSection.Map,
            Path = [PageStep.Model(dictionary.Model), Title.Step(null)],
            Plots = true,
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{Title.Text} <small>{dictionary.Name}</small></h1>
                <dl class="key">
                <div><dt>features</dt><dd>{dictionary.Width:#,0}</dd><dd class="of">{(
                    dictionary.IsComplete ? "" : $"of which {dictionary.Features:#,0} are built, "
                )}over {PageNumbers.Count(source.Corpus.Counted)} tokens of {source.Text}</dd></div>
                <div><dt>mean L0</dt><dd>{new Rounded(overview.MeanL0, 1, Padded: true)}</dd><dd class="of">fire on a token</dd></div>
                <div><dt>dead</dt><dd>{overview.Dead:#,0}</dd></div>
                <div><dt>dense</dt><dd>{overview.Dense:#,0}</dd><dd class="of">fire on more than {FeatureMeaning.DenseFrom:0 %}</dd></div>
                <div class="jump"><a href="#plots-of">plots and scores ↓</a></div>
                </dl>
                <div class="beside">
                <section id="table" aria-label="features">
                {Filter()}{Table()}</section>
                <aside id="plots-of" aria-label="plots and scores"><div class="plots">
                {overview.Densities}{overview.Scatter}</div>
                <p class="note">{(
                    overview.Every > 1 ? $"One feature of {overview.Every} is drawn as a point. " : ""
                )}A point leads to its feature; dragging over a part of the plot shows it larger.</p>
                {EvaluationsView.Render(evaluations)}</aside>
                </div>

                """
            )
        );

    private Markup Filter() =>
        Markup.Of(
            $"""
            <form class="scope" action="{Path}" data-in-place="table"><div class="choices">
            <label>label contains <input name="label" id="label" value="{HtmlText.Field(query.Label ?? "")}"></label>
            <label>show <select name="show">{TableQuery.Shows.Select(value =>
                Markup.Of($"<option{Markup.Trusted(value == query.Show ? " selected" : "")}>{value}</option>")
            )}</select></label>
            <span class="range"><label>density from <input name="min_density" inputmode="decimal" size="4" value="{HtmlText.Field(query.MinDensity ?? "")}"></label><label>to <input name="max_density" inputmode="decimal" size="4" value="{HtmlText.Field(query.MaxDensity ?? "")}"> %</label></span>
            <input type="hidden" name="sort" value="{HtmlText.Field(query.Sort ?? "")}"><input type="hidden" name="order" value="{HtmlText.Field(query.Order ?? "")}">
            <button>Filter</button>
            </div></form>

            """
        );

    private Markup Table()
    {
        if (rows.Length == 0)
            return Markup.Of($"<p class=\"empty\">No feature fits. <a href=\"{Path}\" data-in-place>Show all</a></p>\n");
        var start = Math.Clamp(query.Start ?? 0, 0, rows.Length - 1);
        var shown = rows.Skip(start).Take(TableQuery.Size).ToArray();
        var known = glances(shown.Select(row => row.Feature));
        return Markup.Of(
            $"""
            <p class="headed soft"><span>{rows.Length:#,0} features, {start + 1:#,0} to {start
                + shown.Length:#,0}</span> {More(start - TableQuery.Size, "← earlier")} {More(
                start + TableQuery.Size,
                "later →"
            )} <span class="far">{Sorted(TableQuery.Telling, "the telling first")} · <a href="{(query with { Start = null }).Address(
                Path + ".csv"
            )}">CSV</a> · <a href="{Path}/random" id="random">random</a></span></p>
            <table class="features">
            <tr><th>{Sorted(TableQuery.Index, "feature")}</th><th>fires</th><th>about</th><th>promotes</th><th class="n">{Sorted(
                TableQuery.Density,
                "density"
            )}</th><th class="n">{Sorted(TableQuery.Max, "max")}</th><th class="n">{Sorted(TableQuery.Score, "score")}</th></tr>
            {shown.Select(row => Line(row, known.GetValueOrDefault(row.Feature)))}</table>
            <p class="headed soft">{More(start - TableQuery.Size, "← earlier")} {More(start + TableQuery.Size, "later →")}</p>

            """
        );
    }

    /// <summary>A link to the table in this order, with a mark where it is in it.</summary>
    private Markup Sorted(string sort, string text) =>
        Markup.Of(
            $"<a href=\"{query.By(sort).Address(Path)}\" data-in-place=\"table\"{Markup.Trusted(sort == query.Sort ? " aria-current=\"true\"" : "")}>{text}{(sort != query.Sort ? "" : query.IsAscending ? " ▴" : " ▾")}</a>"
        );

    private Markup More(int start, string text) =>
        start > -TableQuery.Size && start < rows.Length
            ? Markup.Of($"<a href=\"{(query with { Start = Math.Max(start, 0) }).Address(Path)}\" data-in-place=\"table\">{text}</a>")
            : Markup.Empty;

    private Markup Line(FeatureRow row, FeatureGlance? glance) =>
        Markup.Of(
            $"""
            <tr{Markup.Trusted(row.Count == 0 ? " class=\"dead\"" : "")}><td class="index"><a href="{PageAddress.Feature(
                dictionary,
                row.Feature
            )}">#{row.Feature}</a></td><td class="h">{MiniHistogram.Of(glance?.Dashboard.Histogram ?? [])}</td><td class="wide">{FeatureName.Link(
                dictionary,
                row.Feature,
                row.Label is null && glance is not null && glance.TopTokens.Any()
                    ? FeatureName.Chips(glance.TopTokens, NameWords)
                    : FeatureName.Of(row.Label, null, NameWords)
            )}</td><td class="p">{(
                glance is null ? Markup.Empty : FeatureName.Chips(glance.Promoted, PromotedWords)
            )}</td><td class="n d">{(
                row.Count == 0 ? "dead" : Digits.Percent(row.Density)
            )}</td><td class="n m">{new Rounded(row.Max, 1, Padded: true)}</td><td class="n s">{row.Score?.ToString(
                "0.00",
                CultureInfo.InvariantCulture
            )}</td></tr>

            """
        );

    /// <summary>The lines as CSV (RFC 4180). A label that a spreadsheet would take for a formula begins with an apostrophe.</summary>
    public static string Csv(FeatureRow[] rows)
    {
        var csv = new StringBuilder("feature,count,density,max,label,score\r\n");
        foreach (var row in rows)
            csv.Append(
                CultureInfo.InvariantCulture,
                $"{row.Feature},{row.Count},{row.Density:R},{row.Max:R},{Field(row.Label ?? "")},{row.Score:R}\r\n"
            );
        return csv.ToString();

        static string Field(string label) =>
            $"\"{(label is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" : "")}{label.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}

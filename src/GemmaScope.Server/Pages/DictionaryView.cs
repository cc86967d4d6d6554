using System.Globalization;
using System.Text;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Which lines of a dictionary's table are wanted, and in which order; all of it stands in the address.</summary>
/// <param name="Label">Letters of the label.</param>
/// <param name="Show">all, alive, dead, dense or labelled.</param>
/// <param name="Sort">index, density, max or score; the largest first but for the index.</param>
/// <param name="Start">Lines passed over.</param>
internal sealed record TableQuery(string? Label, string? Show, string? Sort, int? Start)
{
    public const int Size = 100;

    public static string[] Shows { get; } = ["all", "alive", "dead", "dense", "labelled"];

    public static string[] Sorts { get; } = ["index", "density", "max", "score"];

    /// <summary>All lines that fit, in order.</summary>
    public FeatureRow[] Of(IFeatureDatabase database, StoredDictionary dictionary)
    {
        var rows = database
            .Table(dictionary, new FeatureFilter { LabelContains = Label })
            .Where(row =>
                Show switch
                {
                    "alive" => row.Count > 0,
                    "dead" => row.Count == 0,
                    "dense" => row.Density > DictionaryOverview.DenseFrom,
                    "labelled" => row.Label is not null,
                    _ => true,
                }
            );
        return
        [
            .. Sort switch
            {
                "density" => rows.OrderByDescending(row => row.Density),
                "max" => rows.OrderByDescending(row => row.Max),
                "score" => rows.OrderByDescending(row => row.Score ?? double.NegativeInfinity),
                _ => rows,
            },
        ];
    }

    public string Address(string path) =>
        PageAddress.WithQuery(
            path,
            ("label", string.IsNullOrEmpty(Label) ? null : Label),
            ("show", Show),
            ("sort", Sort),
            ("start", Start is > 0 and var start ? start.ToString(CultureInfo.InvariantCulture) : null)
        );
}

/// <summary>The page of one dictionary: its densities, and a table of its features.</summary>
internal sealed class DictionaryView(
    StoredDictionary dictionary,
    DashboardSource source,
    DictionaryOverview overview,
    IReadOnlyList<StoredEvaluation> evaluations,
    TableQuery query,
    FeatureRow[] rows
)
{
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
                <p class="meta">{source.Hook ?? $"layer {source.Layer}"} · {dictionary.Width:#,0} features{(
                    dictionary.IsComplete ? "" : $", of which {dictionary.Features} are built"
                )} · {source.Corpus.Counted:#,0} counted of {source.Corpus.Positions:#,0} tokens of {source.Text}</p>
                <dl class="figures">
                <div><dt>mean L0</dt><dd>{overview.MeanL0:0.0}</dd><dd class="of">features that fire on a counted token</dd></div>
                <div><dt>dead</dt><dd>{overview.Dead}</dd><dd class="of">fire at no counted token</dd></div>
                <div><dt>dense</dt><dd>{overview.Dense}</dd><dd class="of">fire on more than {DictionaryOverview.DenseFrom:0 %} of them</dd></div>
                </dl>
                {EvaluationsView.Table(evaluations)}<div class="plots two">
                {overview.Densities}{overview.Scatter}</div>
                <p class="note">{(
                    overview.Every > 1 ? $"One feature of {overview.Every} is drawn as a point. " : ""
                )}A point leads to its feature; dragging over a part of the plot shows it larger.</p>
                {Filter()}{Table()}
                """
            )
        );

    private Markup Filter() =>
        Markup.Of(
            $"""
            <form class="scope" action="{Path}" data-in-place><div class="choices">
            <label>label contains <input name="label" id="label" value="{HtmlText.Field(query.Label ?? "")}"></label>
            <label>show {Select("show", TableQuery.Shows, query.Show)}</label>
            <label>sort by {Select("sort", TableQuery.Sorts, query.Sort)}</label>
            <button>Filter</button> <a href="{(query with { Start = null }).Address(
                Path + ".csv"
            )}">CSV</a> <a href="{Path}/random" id="random">random</a>
            </div></form>

            """
        );

    private static Markup Select(string name, string[] values, string? chosen) =>
        Markup.Of(
            $"<select name=\"{name}\">{values.Select(value => Markup.Of($"<option{Markup.Trusted(value == chosen ? " selected" : "")}>{value}</option>"))}</select>"
        );

    private Markup Table()
    {
        if (rows.Length == 0)
            return Markup.Of($"<p class=\"empty\">No feature fits. <a href=\"{Path}\" data-in-place>Show all</a></p>\n");
        var start = Math.Clamp(query.Start ?? 0, 0, rows.Length - 1);
        return Markup.Of(
            $"""
            <p class="soft">{rows.Length:#,0} features; {start + 1} to {Math.Min(start + TableQuery.Size, rows.Length)} are shown {More(
                start - TableQuery.Size,
                "← earlier"
            )} {More(start + TableQuery.Size, "later →")}</p>
            <div class="scroll"><table>
            <tr><th>feature</th><th class="n">density</th><th class="n">maximum</th><th>label</th></tr>
            {rows.Skip(start).Take(TableQuery.Size).Select(row => Line(PageAddress.Feature(dictionary, row.Feature), row))}</table></div>

            """
        );
    }

    private Markup More(int start, string text) =>
        start > -TableQuery.Size && start < rows.Length && start != 0 - TableQuery.Size
            ? Markup.Of($"<a href=\"{(query with { Start = Math.Max(start, 0) }).Address(Path)}\" data-in-place>{text}</a>")
            : Markup.Empty;

    internal static Markup Line(string address, FeatureRow row) =>
        Markup.Of(
            $"<tr><td><a href=\"{address}\">#{row.Feature}</a></td><td class=\"n\">{row.Density:0.000 %}</td><td class=\"n\">{row.Max:0.00}</td><td class=\"wide\">{HtmlText.Visible(row.Label ?? "")}{(row.Score is { } score ? Markup.Of($" <small>score {score:0.00}</small>") : Markup.Empty)}</td></tr>\n"
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

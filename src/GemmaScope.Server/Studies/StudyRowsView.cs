using System.Text;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Studies;

/// <summary>The rows of a table of a study: filtered, sorted, each with the prompts behind it or a way to try its prompt.</summary>
/// <param name="run">The study.</param>
/// <param name="document">Its result.</param>
/// <param name="table">The table.</param>
/// <param name="query">Which rows, in which order.</param>
/// <param name="canChat">Whether a prompt can be said to the model here.</param>
/// <param name="canRead">Whether it can be read here with a dictionary.</param>
internal sealed class StudyRowsView(StudyRun run, StudyDocument document, StudyTable table, StudyQuery query, bool canChat, bool canRead)
{
    // A column with few values is chosen from; one with more is searched.
    private const int MostValues = 24,
        LongestValue = 60,
        LongestWord = 30;

    private readonly string _path = $"{StudyListView.Address(run.Name)}/rows";

    /// <summary>The address of a table.</summary>
    public static string Address(string study, string table) =>
        PageAddress.WithQuery($"{StudyListView.Address(study)}/rows", ("table", table));

    /// <summary>A table's name for people.</summary>
    public static string Title(StudyTable table) =>
        (table.Name.EndsWith(".each", StringComparison.Ordinal) ? table.Name[..^".each".Length] + ", each prompt" : table.Name)
            .Replace(".", " · ", StringComparison.Ordinal)
            .Replace('_', ' ');

    public Page Render() =>
        new PageFrame
        {
            Title = $"{Title(table)} of {run.Name}",
            Section = PageSection.Studies,
            Path = [new("studies", PageSection.Studies.Address), new(run.Name, StudyListView.Address(run.Name)), new(Title(table))],
            Rules = "studies.css",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{Title(table)} <small>{run.Study} of {run.Model}</small></h1>
                {Filter()}<section id="rows" aria-label="rows">
                {Rows()}</section>

                """
            )
        );

    /// <summary>The rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula begins with an apostrophe.</summary>
    public string Csv()
    {
        var csv = new StringBuilder();
        csv.AppendJoin(',', table.Columns.Select(Field)).Append("\r\n");
        foreach (var row in query.Rows(table))
            csv.AppendJoin(',', row.Select(cell => cell.IsNumber ? cell.Text : Field(cell.Text))).Append("\r\n");
        return csv.ToString();

        static string Field(string text) =>
            $"\"{(text is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" : "")}{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private Markup Filter() =>
        Markup.Of(
            $"""
            <form class="scope" action="{_path}" data-in-place="rows"><div class="choices">
            <input type="hidden" name="table" value="{HtmlText.Field(table.Name)}">{(
                query.Sort is { } sort
                    ? Markup.Of(
                        $"<input type=\"hidden\" name=\"sort\" value=\"{HtmlText.Field(sort)}\"><input type=\"hidden\" name=\"order\" value=\"{(query.IsDescending ? "desc" : "")}\">"
                    )
                    : Markup.Empty
            )}
            <label>contains <input name="q" id="contains" value="{HtmlText.Field(query.Words)}"></label>
            {table.Columns.Select(Choice)}<button>Filter</button>
            </div></form>

            """
        );

    private Markup Choice(string column, int place)
    {
        string[] values = [.. table.Rows.Select(row => row[place].Text).Distinct().Take(MostValues + 1)];
        var chosen = query.Where.FirstOrDefault(one => one.Column == column).Value;
        var isChosenFrom =
            values.Length is > 1 and <= MostValues
            && values.All(value => value.Length <= LongestValue)
            && (table.Keys.Contains(column) || !table.Rows.Any(row => row[place].IsNumber));
        return isChosenFrom || chosen is not null
            ? Markup.Of(
                $"<label>{Spoken(column)} <select name=\"{HtmlText.Field(StudyQuery.Field(column))}\"><option value=\"\">any</option>{values.Where(value => value.Length > 0).Take(MostValues).Append(chosen ?? "").Where(value => value.Length > 0).Distinct().Select(value => Markup.Of($"<option value=\"{HtmlText.Field(value)}\"{Markup.Trusted(value == chosen ? " selected" : "")}>{HtmlText.Visible(value)}</option>"))}</select></label>\n"
            )
            : Markup.Empty;
    }

    private Markup Rows()
    {
        var rows = query.Rows(table);
        if (rows.Length == 0)
            return Markup.Of($"<p class=\"empty\">No row fits. <a href=\"{Address(run.Name, table.Name)}\">Show all</a></p>\n");
        var start = Math.Clamp(query.Start, 0, rows.Length - 1);
        var shown = rows.Skip(start).Take(StudyQuery.Size).ToArray();
        // A column in which nothing stands is not shown.
        int[] columns =
        [
            .. Enumerable
                .Range(0, table.Columns.Count)
                .Where(place => !table.Intervals.Contains(table.Columns[place]) && rows.Any(row => row[place].Text.Length > 0)),
        ];
        var text = table.IndexOf(StudyTable.Text);
        var behind = shown.Select(row => document.Behind(table, row)).ToArray();
        var isFirst = behind.Any(one => one is not null) || text >= 0 && (canChat || canRead);
        return Markup.Of(
            $"""
            <p class="headed soft"><span>{rows.Length:#,0} {(rows.Length == 1 ? "row" : "rows")}{(table.IsCut ? " (of more, which are in result.json)" : "")}, {start + 1:#,0} to {start
                + shown.Length:#,0}</span> {More(rows.Length, start - StudyQuery.Size, "← earlier")} {More(
                rows.Length,
                start + StudyQuery.Size,
                "later →"
            )} <span class="far"><a href="{(query with { Start = 0 }).Address(_path + ".csv")}">CSV</a></span></p>
            {(table.IsOfPrompts && text < 0 ? Markup.Of($"<p class=\"note\">The texts of prompts are not in this result; a study that is made with them shown holds them.</p>\n") : Markup.Empty)}<div class="scroll" tabindex="0" role="region" aria-label="{Title(
                table
            )}"><table class="rows">
            <tr>{(isFirst ? Markup.Of($"<th></th>") : Markup.Empty)}{columns.Select(Head)}</tr>
            {shown.Select((row, i) => Markup.Of($"<tr>{(isFirst ? Markup.Of($"<td>{(behind[i] is { } there ? Behind(there) : Tries(text >= 0 ? row[text].Text : ""))}</td>") : Markup.Empty)}{columns.Select(place => Cell(row, place))}</tr>\n"))}</table></div>

            """
        );
    }

    private Markup Head(int place)
    {
        var column = table.Columns[place];
        var isNumber = table.Rows.Any(row => row[place].IsNumber);
        return Markup.Of(
            $"<th{Markup.Trusted(isNumber ? " class=\"n\"" : "")}{Markup.Trusted(column == query.Sort ? $" aria-sort=\"{(query.IsDescending ? "descending" : "ascending")}\"" : "")}><a href=\"{query.By(column, isNumber).Address(_path)}\" data-in-place=\"rows\">{Spoken(column)}{(
                column != query.Sort ? "" : query.IsDescending ? " ▾" : " ▴"
            )}</a></th>"
        );
    }

    private Markup Cell(StudyCell[] row, int place)
    {
        var cell = row[place];
        if (!cell.IsNumber)
            return Markup.Of(
                $"<td{Markup.Trusted(cell.Text.Length > LongestWord ? " class=\"long\"" : "")}>{HtmlText.Visible(cell.Text)}</td>"
            );
        return table.IntervalOf(table.Columns[place]) is var (low, high)
            ? Markup.Of($"<td class=\"n\">{cell.Shown} <small>[{row[low].Shown}, {row[high].Shown}]</small></td>")
            : Markup.Of($"<td class=\"n\">{cell.Shown}</td>");
    }

    private Markup Behind((StudyTable Table, IReadOnlyList<(string Column, string Value)> Where) there) =>
        Markup.Of($"<a href=\"{new StudyQuery(there.Table.Name, "", there.Where, null, false, 0).Address(_path)}\">its prompts →</a>");

    /// <summary>Ways to try a prompt whose text is known.</summary>
    private Markup Tries(string text) =>
        text.Length == 0
            ? Markup.Empty
            : Markup.Of(
                $"{(canChat && text.Length <= Pages.TextReader.LongestText ? Markup.Of($"<a href=\"{PageAddress.WithQuery("/chat", ("message", text))}\">say it</a> ") : Markup.Empty)}{(canRead && text.Length <= Pages.TextReader.LongestText ? Markup.Of($"<a href=\"{PageAddress.WithQuery("/", ("q", text))}\">read it</a>") : Markup.Empty)}"
            );

    private Markup More(int count, int start, string text) =>
        start > -StudyQuery.Size && start < count
            ? Markup.Of($"<a href=\"{(query with { Start = Math.Max(start, 0) }).Address(_path)}\" data-in-place=\"rows\">{text}</a>")
            : Markup.Empty;

    private static string Spoken(string column) => column.Replace('_', ' ').Replace(".mean", "", StringComparison.Ordinal);
}

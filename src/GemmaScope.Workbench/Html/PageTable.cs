namespace GemmaScope.Workbench.Html;

/// <summary>A column of a <see cref="PageTable"/>.</summary>
internal readonly record struct PageColumn(string Name, bool IsNumber = false)
{
    public static implicit operator PageColumn(string name) => new(name);
}

/// <summary>A table of a page with its title, which is scrolled by itself where it is wider than the page.</summary>
internal static class PageTable
{
    /// <summary>The table.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="rows">Rows, each a whole <c>tr</c>.</param>
    /// <param name="wide">Whether it has so many columns that it may take more than the width of the text.</param>
    public static Markup Of(string title, IEnumerable<PageColumn> columns, IEnumerable<Markup> rows, bool wide = false) =>
        Markup.Of(
            $"""
            <h2>{title}</h2>
            {Table(title, columns, rows, wide)}

            """
        );

    /// <summary>A table of raw numbers, which is long and is opened by whoever looks for them.</summary>
    /// <inheritdoc cref="Of"/>
    public static Markup Folded(string title, IEnumerable<PageColumn> columns, IReadOnlyCollection<Markup> rows) =>
        Markup.Of(
            $"""
            <h2>{title}</h2>
            <details><summary>{rows.Count} rows</summary>
            {Table(title, columns, rows, wide: true)}
            </details>

            """
        );

    private static Markup Table(string title, IEnumerable<PageColumn> columns, IEnumerable<Markup> rows, bool wide) =>
        Markup.Of(
            $"""
            <div class="{Markup.Trusted(wide ? "scroll broad" : "scroll")}" tabindex="0" role="region" aria-label="{title}"><table>
            <tr>{columns.Select(Head)}</tr>
            {rows}</table></div>
            """
        );

    private static Markup Head(PageColumn column) =>
        column.IsNumber ? Markup.Of($"<th class=\"n\">{column.Name}</th>") : Markup.Of($"<th>{column.Name}</th>");
}

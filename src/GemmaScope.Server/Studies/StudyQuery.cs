using System.Globalization;
using GemmaScope.Server.Pages;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Studies;

/// <summary>Which rows of a table are looked at, and in which order, as an address has it.</summary>
/// <param name="Table">The table.</param>
/// <param name="Words">Words that a row has to hold; empty for any.</param>
/// <param name="Where">Columns that have to hold a value.</param>
/// <param name="Sort">The column it is sorted by; null for the order of the result.</param>
/// <param name="IsDescending">Whether the largest come first.</param>
/// <param name="Start">The first row that is shown.</param>
internal sealed record StudyQuery(
    string Table,
    string Words,
    IReadOnlyList<(string Column, string Value)> Where,
    string? Sort,
    bool IsDescending,
    int Start
)
{
    /// <summary>Rows of a page.</summary>
    public const int Size = 100;

    // A column may be called as one of our own fields.
    private const string Prefix = "of.";

    /// <summary>The name of the field of a column.</summary>
    public static string Field(string column) => Prefix + column;

    /// <summary>Of a request.</summary>
    public static StudyQuery Of(IQueryCollection query) =>
        new(
            $"{query["table"]}",
            $"{query["q"]}".Trim(),
            [
                .. query
                    .Where(one =>
                        one.Key.StartsWith(Prefix, StringComparison.Ordinal) && one.Value.Count > 0 && $"{one.Value[0]}".Length > 0
                    )
                    .Select(one => (one.Key[Prefix.Length..], $"{one.Value[0]}")),
            ],
            $"{query["sort"]}" is { Length: > 0 } sort ? sort : null,
            $"{query["order"]}" == "desc",
            int.TryParse($"{query["start"]}", NumberStyles.None, CultureInfo.InvariantCulture, out var start) ? start : 0
        );

    /// <summary>The rows, in order.</summary>
    public StudyCell[][] Rows(StudyTable table)
    {
        foreach (var (column, _) in Where)
            if (table.IndexOf(column) < 0)
                throw new ArgumentProblemException($"this table has no column {column}", Field(column));
        var words = Words.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var wanted = Where.Select(one => (Index: table.IndexOf(one.Column), one.Value)).ToArray();
        var rows = table.Rows.Where(row =>
            wanted.All(one => row[one.Index].Text == one.Value)
            && words.All(word => row.Any(cell => cell.Text.Contains(word, StringComparison.OrdinalIgnoreCase)))
        );
        if (Sort is not { } sort)
            return [.. rows];
        if (table.IndexOf(sort) is not (>= 0 and var by))
            throw new ArgumentProblemException($"this table has no column {sort}", "sort");
        // What is missing comes last, whichever way.
        var sign = IsDescending ? -1 : 1;
        return
        [
            .. rows.OrderBy(row => row[by].Text.Length == 0)
                .ThenBy(row => sign * (row[by].Number ?? 0))
                .ThenBy(row => row[by].Number is null ? row[by].Text : "", IsDescending ? Descending : StringComparer.OrdinalIgnoreCase),
        ];
    }

    /// <summary>Its address below a path.</summary>
    public string Address(string path)
    {
        var address = PageAddress.WithQuery(
            path,
            ("table", Table),
            ("q", Words.Length > 0 ? Words : null),
            ("sort", Sort),
            ("order", Sort is not null && IsDescending ? "desc" : null),
            ("start", Start > 0 ? Start.ToString(CultureInfo.InvariantCulture) : null)
        );
        return address
            + string.Concat(Where.Select(one => $"&{Uri.EscapeDataString(Field(one.Column))}={Uri.EscapeDataString(one.Value)}"));
    }

    /// <summary>The same in the order of a column; of the one there is, the other way round. Of numbers the largest come first.</summary>
    public StudyQuery By(string column, bool isNumber) =>
        this with
        {
            Sort = column,
            IsDescending = Sort == column ? !IsDescending : isNumber,
            Start = 0,
        };

    private static IComparer<string> Descending { get; } =
        Comparer<string>.Create((one, other) => StringComparer.OrdinalIgnoreCase.Compare(other, one));
}

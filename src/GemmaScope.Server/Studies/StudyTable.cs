using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Studies;

/// <summary>A cell of a table of a study: a number, a text, or nothing.</summary>
/// <param name="Number">The number; of yes and no 1 and 0.</param>
/// <param name="Text">The text as it is filtered by and written.</param>
internal readonly record struct StudyCell(double? Number, string Text)
{
    /// <summary>Nothing.</summary>
    public static StudyCell None { get; } = new(null, "");

    /// <summary>Whether it is right-aligned.</summary>
    public bool IsNumber => Number is not null && Text is not ("yes" or "no");

    /// <summary>As a page shows it.</summary>
    public string Shown => IsNumber && Number is { } number && number != Math.Truncate(number) ? Digits.Number(number) : Text;

    /// <summary>Of a number, written in full.</summary>
    public static StudyCell Of(double number) => new(number, number.ToString("R", CultureInfo.InvariantCulture));
}

/// <summary>A table that a result of a study holds.</summary>
/// <param name="Name">Where it stands in the result, such as <c>effects.sets</c>; of what was measured for each prompt with <c>.each</c> at
/// its end.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Keys">Columns that say what a row is of: they stand around what was measured.</param>
/// <param name="Rows">Its rows, each as long as the columns.</param>
/// <param name="IsCut">Whether there are more rows than are shown.</param>
internal sealed record StudyTable(
    string Name,
    IReadOnlyList<string> Columns,
    IReadOnlySet<string> Keys,
    IReadOnlyList<StudyCell[]> Rows,
    bool IsCut
)
{
    /// <summary>The columns of prompts' names and texts in tables of what was measured for each.</summary>
    public const string Prompt = "prompt",
        Id = "id",
        Text = "text";

    private const string MeanEnd = ".mean";

    /// <summary>Columns of a mean's interval, which are shown with it and not by themselves.</summary>
    public IReadOnlySet<string> Intervals { get; } =
        Columns
            .Where(column => column.EndsWith(MeanEnd, StringComparison.Ordinal))
            .SelectMany(column =>
                ((string[])[".low", ".high", ".count"]).Select(end => column[..^MeanEnd.Length] + end).Where(Columns.Contains)
            )
            .ToHashSet();

    /// <summary>Whether a row is of one prompt.</summary>
    public bool IsOfPrompts => Columns.Contains(Prompt) || Columns.Contains(Id);

    /// <summary>The places of the ends of a mean's interval; null where the column is no mean with one.</summary>
    public (int Low, int High)? IntervalOf(string column) =>
        column.EndsWith(MeanEnd, StringComparison.Ordinal)
        && IndexOf(column[..^MeanEnd.Length] + ".low") is >= 0 and var low
        && IndexOf(column[..^MeanEnd.Length] + ".high") is >= 0 and var high
            ? (low, high)
            : null;

    /// <summary>The place of a column; −1 for none.</summary>
    public int IndexOf(string column)
    {
        for (var i = 0; i < Columns.Count; i++)
            if (Columns[i] == column)
                return i;
        return -1;
    }
}

using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A row of a table or of JSON lines, whatever its form.</summary>
internal sealed record StudyRow(string File, int Number, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>The first of some fields that is there.</summary>
    public string? Value(params IEnumerable<string> names) =>
        names.Select(name => Fields.GetValueOrDefault(name)).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))?.Trim();

    /// <summary>The same of a field that has to be there.</summary>
    public string Needed(string[] names) =>
        Value(names)
        ?? throw new FileFormatException($"row {Number} has no {names[0]}; it is looked for under {string.Join(", ", names)}", File);

    public FileFormatException Bad(string name, string problem) => new($"row {Number}: '{name}' {problem}", File);
}

/// <summary>Tables of a study.</summary>
internal static class StudyTable
{
    /// <summary>The rows of a table (CSV, TSV) with a head line, or of JSON lines.</summary>
    public static IEnumerable<StudyRow> Read(string file)
    {
        if (TextFile.KindOf(file) == ".jsonl")
            return JsonLines.Read(file).Select((row, i) => new StudyRow(file, i + 1, Fields(row.Element)));
        if (TextFile.KindOf(file) == ".json")
            return JsonFile.ReadList(file).Select((row, i) => new StudyRow(file, i + 1, Fields(row.Element)));
        using var stream = TextFile.Open(file);
        DelimitedRow[] rows = [.. DelimitedRows.Read(stream, file, TextFile.KindOf(file) == ".tsv" ? '\t' : ',')];
        if (rows.Length == 0)
            throw new FileFormatException("the file is empty", file);
        if (rows.Select(row => row.Problem).FirstOrDefault(problem => problem is not null) is { } wrong)
            throw new FileFormatException(wrong, file);
        string[] head = [.. rows[0].Fields.Select(name => name.Trim())];
        return rows.Skip(1)
            .Select(
                (row, i) =>
                    new StudyRow(
                        file,
                        i + 1,
                        head.Zip(row.Fields).DistinctBy(one => one.First).ToDictionary(one => one.First, one => one.Second)
                    )
            );
    }

    private static Dictionary<string, string> Fields(JsonElement row) =>
        row.EnumerateObject()
            .Where(field =>
                field.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            )
            .DistinctBy(field => field.Name)
            .ToDictionary(field => field.Name, field => field.Value.ToString());
}

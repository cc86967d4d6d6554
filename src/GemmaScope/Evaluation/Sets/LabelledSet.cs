using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Evaluation;

/// <summary>A text and its class.</summary>
/// <param name="Text">The text.</param>
/// <param name="Label">The name of its class.</param>
public sealed record LabelledText(string Text, string Label);

/// <summary>
/// Texts of two or more classes, for probing (METHODS §6.2). Read from a table with a column prompt, statement or text and a column target
/// or
/// label; from JSON lines with text and label, or with text, trait and polarity (one set for each trait); or from JSON lists of texts, one
/// file
/// for each class.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">The texts, each once; those that come with two labels are left out.</param>
/// <param name="LeftOut">How many texts were left out for that.</param>
/// <param name="OtherSource">Texts of the same classes from elsewhere, on which what was learned is measured too: of <c>NAME.csv</c> the
/// file <c>NAME_OOD.csv</c> beside it. Else none.</param>
public sealed record LabelledSet(string Name, IReadOnlyList<LabelledText> Rows, int LeftOut, IReadOnlyList<LabelledText> OtherSource)
{
    private static readonly string[] TextNames = ["prompt", "statement", "text"];
    private static readonly string[] LabelNames = ["target", "label"];

    /// <summary>The classes in alphabetical order.</summary>
    public IReadOnlyList<string> Classes { get; } = [.. Rows.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Reads the sets of some files; JSON lists of texts together are one set.</summary>
    /// <exception cref="FileFormatException">A file is missing, a row is malformed (the message says where), or a set has fewer than two
    /// classes.</exception>
    public static IReadOnlyList<LabelledSet> Load(IReadOnlyList<string> files)
    {
        string[] lists = [.. files.Where(file => TextFile.KindOf(file) == ".json")];
        List<LabelledSet> sets = lists.Length == 0 ? [] : [OfLists(lists)];
        foreach (var file in files.Except(lists))
            sets.AddRange(JsonLines.Is(file) ? OfLines(file) : [OfTable(file)]);
        foreach (var set in sets)
            if (set.Classes.Count < 2)
                throw new FileFormatException(
                    $"holds {set.Classes.Count} classes of texts ({set.Name}); two are needed to tell them apart",
                    string.Join(", ", files)
                );
        return sets;
    }

    private static LabelledSet OfTable(string file)
    {
        var (folder, name) = (Path.GetDirectoryName(file)!, NameOf(file));
        var other = Path.Combine(folder, $"{name}_OOD{Path.GetFileName(file)[name.Length..]}");
        return Once(name, Table(file), File.Exists(other) ? Table(other) : []);
    }

    private static IEnumerable<LabelledText> Table(string file)
    {
        var rows = DelimitedFile.Read(file);
        if (rows.Count == 0)
            throw new FileFormatException("the file is empty", file);
        int Column(string[] names) =>
            DelimitedFile.Column(rows[0], names) is >= 0 and var at
                ? at
                : throw new FileFormatException($"line 1 names no column {string.Join(" or ", names)}", file);
        var (text, label) = (Column(TextNames), Column(LabelNames));
        return rows.Skip(1).Select(row => Of(row.Fields[text], row.Fields[label].Trim(), $"line {row.Line}", file));
    }

    /// <summary>The name without what says how it is written.</summary>
    private static string NameOf(string file) => Path.GetFileNameWithoutExtension(Packings.NameWithin(Path.GetFileName(file)));

    private static LabelledSet OfLists(string[] files)
    {
        string[] names = [.. files.Select(NameOf)];
        var common =
            files.Length == 1
                ? 0
                : Enumerable.Range(0, names.Min(name => name.Length)).TakeWhile(i => names.All(name => name[i] == names[0][i])).Count();
        var rows = files.Zip(
            names,
            (file, name) => JsonFile.ReadTexts(file).Select((text, i) => Of(text, name[common..], $"entry {i + 1}", file))
        );
        return Once(names[0][..common].TrimEnd('-', '_', ' ') is { Length: > 0 } set ? set : "classes", rows.SelectMany(list => list), []);
    }

    private static IEnumerable<LabelledSet> OfLines(string file)
    {
        var name = NameOf(file);
        return JsonLines
            .Read(file)
            .Select(line =>
            {
                var text = TextNames.Select(line.Text).FirstOrDefault(value => value is not null) ?? throw line.Missing("text");
                var trait = line.Text("trait");
                var label =
                    (
                        trait is null
                            ? LabelNames.Select(key => Label(line, key)).FirstOrDefault(value => value is not null)
                            : line.Text("polarity")
                    ) ?? throw line.Missing(trait is null ? "label" : "polarity");
                return (Set: trait ?? name, Row: Of(text, label, "", line.File));
            })
            .GroupBy(line => line.Set, line => line.Row)
            .Select(group => Once(group.Key, group, []));
    }

    private static string? Label(JsonSection line, string key) =>
        line.Has(key) && line.Element.GetProperty(key).ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            ? line.Element.GetProperty(key).GetRawText()
            : line.Text(key);

    private static LabelledText Of(string text, string label, string where, string file) =>
        text.Trim() is not { Length: > 0 } trimmed || label.Length == 0
            ? throw new FileFormatException($"{where} has no {(text.Trim().Length == 0 ? "text" : "label")}".TrimStart(), file)
            : new(trimmed, label);

    /// <summary>Each text once: a text on both sides of a split would be recognised, not judged. One that comes with two labels is left
    /// out.</summary>
    private static LabelledSet Once(string name, IEnumerable<LabelledText> rows, IEnumerable<LabelledText> other)
    {
        LabelledText[] all = [.. rows],
            once = Distinct(all);
        return new(name, once, all.Length - once.Length, Distinct(other));
    }

    private static LabelledText[] Distinct(IEnumerable<LabelledText> rows) =>
        [
            .. rows.GroupBy(row => row.Text)
                .Where(same => same.Select(row => row.Label).Distinct().Count() == 1)
                .Select(same => same.First()),
        ];
}

using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Features;

/// <summary>A headline, with its topic where a file says it.</summary>
/// <param name="Text">The text.</param>
/// <param name="Topic">Its topic, or null.</param>
/// <param name="Group">What it has in common with others, such as the story it reports; groups are never split between training and
/// held-out rows.</param>
public sealed record Headline(string Text, string? Topic = null, string? Group = null)
{
    private static readonly string[] TextNames = ["headline", "text", "title"];
    private static readonly string[] TopicNames = ["topic", "label", "category"];
    private static readonly string[] GroupNames = ["story", "group"];

    /// <summary>
    /// Reads a file: one headline a line; JSON lines (<c>.jsonl</c>); or a table (<c>.csv</c>, <c>.tsv</c>) with a head line;
    /// each also packed. The text is called headline, text or title, the topic topic, label or category, the group story or group. Empty texts are left out.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="topicName">The name of the topic's column, where it is another.</param>
    /// <param name="skipped">Counts rows that cannot be read, which are then left out; null where the first of them is an error.</param>
    /// <exception cref="FileFormatException">The file is missing, malformed, or holds no headline.</exception>
    public static IReadOnlyList<Headline> Load(string file, string? topicName = null, SkippedRows? skipped = null)
    {
        string[] topics = topicName is null ? TopicNames : [topicName];
        var rows = TextFile.KindOf(file) switch
        {
            ".jsonl" => JsonLines.Rows(file).Select(row => Read(() => Of(row.Needed(), topics), skipped)).OfType<Headline>(),
            ".csv" or ".tsv" => Table(file, topics, skipped),
            _ => TextFile.ReadLines(file).Select(line => new Headline(line.Trim())),
        };
        Headline[] read = [.. rows.Where(headline => headline.Text.Length > 0)];
        return read.Length > 0 ? read : throw new FileFormatException("holds no headline", file);
    }

    private static Headline? Read(Func<Headline> read, SkippedRows? skipped)
    {
        try
        {
            return read();
        }
        catch (FileFormatException problem) when (skipped is not null)
        {
            skipped.Add(skipped.Count + 1, problem.Message);
            return null;
        }
        catch (FileFormatException problem)
        {
            throw new FileFormatException(problem.Problem, problem.Location, problem, SkippedRows.Cure);
        }
    }

    private static Headline Of(JsonSection line, string[] topics) =>
        new(
            Value(line, TextNames)?.Trim()
                ?? throw new FileFormatException($"has no text; it is looked for under {string.Join(", ", TextNames)}", line.File),
            Value(line, topics),
            Value(line, GroupNames)
        );

    private static string? Value(JsonSection line, string[] names) => names.Select(line.Text).FirstOrDefault(value => value is not null);

    private static IEnumerable<Headline> Table(string file, string[] topics, SkippedRows? skipped)
    {
        var rows = DelimitedFile.ReadAll(file);
        if (rows.Count == 0)
            yield break;
        if (rows[0].Problem is { } unreadable)
            throw new FileFormatException(unreadable, file);
        var (text, topic, group) = (Column(TextNames), Column(topics), Column(GroupNames));
        if (text < 0)
            throw new FileFormatException($"has no column for the text; it is looked for under {string.Join(", ", TextNames)}", file);
        foreach (var row in rows.Skip(1))
            if (Read(() => Of(row), skipped) is { } headline)
                yield return headline;

        Headline Of(DelimitedRow row) =>
            row.Problem is { } problem
                ? throw new FileFormatException(problem, file)
                : new(Field(row, text) ?? "", Field(row, topic), Field(row, group));

        int Column(string[] names) => DelimitedFile.Column(rows[0], names);

        static string? Field(DelimitedRow row, int at) => at >= 0 && row.Fields[at].Trim() is { Length: > 0 } field ? field : null;
    }
}

using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A sentence that is true or false.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Text">What it says.</param>
/// <param name="IsTrue">Whether that is so.</param>
/// <param name="Topic">What kind of thing it is about.</param>
/// <param name="About">The thing itself: statements about one thing are on one side of every split.</param>
/// <param name="IsNegated">Whether it denies something.</param>
public sealed record Statement(string Id, string Text, bool IsTrue, string Topic, string About, bool IsNegated)
{
    private static readonly string[] TextNames = ["statement", "text", "prompt"],
        LabelNames = ["label", "target", "true"],
        TopicNames = ["topic", "category"],
        AboutNames = ["about", "subject", "entity"],
        NegatedNames = ["negated", "negation"];

    /// <summary>
    /// Reads statements: a table or JSON lines with <c>statement</c> and <c>label</c> (1, 0, true, false), and if there are <c>topic</c>,
    /// <c>about</c>, <c>negated</c> and <c>id</c>. Without a topic it is the file; without what it is about, each is about another thing.
    /// </summary>
    /// <exception cref="FileFormatException">The file cannot be read, a row has no statement or label, or all are true or all false.</exception>
    public static IReadOnlyList<Statement> Read(string file)
    {
        var topic = Path.GetFileNameWithoutExtension(file);
        Statement[] all =
        [
            .. StudyTable
                .Read(file)
                .Select(row => new Statement(
                    row.Value("id") ?? $"{row.Number}",
                    row.Needed(TextNames),
                    Truth(row, LabelNames) ?? throw row.Bad(LabelNames[0], "must be 1, 0, true or false"),
                    row.Value(TopicNames) ?? topic,
                    row.Value(AboutNames) ?? $"{topic} {row.Number}",
                    Truth(row, NegatedNames) ?? false
                )),
        ];
        all = [.. all.DistinctBy(one => one.Text)];
        return all.Any(one => one.IsTrue) && all.Any(one => !one.IsTrue)
            ? all
            : throw new FileFormatException(
                all.Length == 0 ? "holds no statement" : $"holds only {(all[0].IsTrue ? "true" : "false")} statements; both kinds are needed",
                file
            );
    }

    /// <summary>Four statements of each fact: what is so, the same with the answer of another fact of its topic, and both denied. Each answer is as
    /// often in true statements as in false ones, so that no word gives the truth away.</summary>
    /// <param name="facts">The facts.</param>
    /// <param name="seed">Decides which answers are exchanged.</param>
    public static IReadOnlyList<Statement> Of(IReadOnlyList<Fact> facts, int seed) =>
        [
            .. facts.Zip(Fact.Exchanged(facts, seed))
                .Where(pair => pair.First.Answer != pair.Second)
                .SelectMany(pair => Four(pair.First, pair.Second)),
        ];

    private static Statement[] Four(Fact fact, string other)
    {
        return [One("true", fact.Answer, true), One("false", other, false), One("not true", fact.Answer, false), One("not false", other, true)];

        Statement One(string form, string answer, bool isTrue)
        {
            var isNegated = form.StartsWith("not", StringComparison.Ordinal);
            var text = $"The {fact.Relation} of {fact.Subject} is {(isNegated ? "not " : "")}{answer}.";
            return new($"{fact.Id} {form}", text, isTrue, fact.Topic, fact.Subject, isNegated);
        }
    }

    private static bool? Truth(StudyRow row, string[] names) =>
        row.Value(names)?.Trim().ToLowerInvariant() switch
        {
            "1" or "true" or "yes" or "1.0" => true,
            "0" or "false" or "no" or "0.0" => false,
            null => null,
            _ => throw row.Bad(names[0], "must be 1, 0, true or false"),
        };
}

/// <summary>A thing, and the one answer to a question about it.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Subject">The thing: France.</param>
/// <param name="Relation">What is asked of it: capital.</param>
/// <param name="Answer">The answer: Paris.</param>
/// <param name="Topic">What kind of thing it is.</param>
public sealed record Fact(string Id, string Subject, string Relation, string Answer, string Topic)
{
    // What upstream tables remark behind an answer: "Suva (on Viti Levu)", "Malabo; note …", "Washington, D.C.".
    private static readonly string[] Remarks = [" (", ";", ","];

    private static readonly string[] SubjectNames = ["subject", "country", "entity", "name"],
        AnswerNames = ["object", "answer", "capital"],
        TopicNames = ["topic", "region", "category"];

    /// <summary>
    /// Reads facts: a table or JSON lines with <c>subject</c> and <c>object</c>, or <c>country</c> and <c>capital</c>, and if there are
    /// <c>relation</c>, <c>topic</c> (<c>region</c>) and <c>id</c> (<c>code</c>). Remarks behind an answer are cut off; answers that begin small are
    /// remarks and no names.
    /// </summary>
    /// <exception cref="FileFormatException">The file cannot be read, a row lacks something, or there are fewer than four facts.</exception>
    public static IReadOnlyList<Fact> Read(string file)
    {
        Fact[] facts =
        [
            .. StudyTable
                .Read(file)
                .Select(row =>
                {
                    var answer = row.Needed(AnswerNames);
                    return new Fact(
                        row.Value("id", "code") ?? $"{row.Number}",
                        Cut(row.Needed(SubjectNames)),
                        row.Value("relation") ?? (row.Value("capital") is not null ? "capital" : "answer"),
                        Cut(answer),
                        row.Value(TopicNames)?.ReplaceLineEndings(" ") ?? Path.GetFileNameWithoutExtension(file)
                    );
                })
                .Where(fact => fact.Answer.Length > 0 && !char.IsLower(fact.Answer[0]))
                .DistinctBy(fact => fact.Subject),
        ];
        return facts.Length >= 4
            ? facts
            : throw new FileFormatException($"holds {facts.Length} facts; four are the least of which true and false ones can be made", file);
    }

    /// <summary>For each fact the answer of another one, of its topic where there is one; each answer once.</summary>
    internal static IReadOnlyList<string> Exchanged(IReadOnlyList<Fact> facts, int seed)
    {
        var random = new Random(seed);
        var exchanged = new string[facts.Count];
        // Topics with a single fact exchange among each other.
        foreach (
            var group in Enumerable
                .Range(0, facts.Count)
                .GroupBy(i => facts.Count(other => other.Topic == facts[i].Topic) > 1 ? facts[i].Topic : "")
        )
        {
            int[] places = [.. group];
            random.Shuffle(places);
            for (var i = 0; i < places.Length; i++)
                exchanged[places[i]] = facts[places[(i + 1) % places.Length]].Answer;
        }
        return exchanged;
    }

    private static string Cut(string text)
    {
        var end = Remarks.Select(remark => text.IndexOf(remark, StringComparison.Ordinal)).Where(at => at > 0).DefaultIfEmpty(text.Length).Min();
        return text[..end].Trim();
    }
}

/// <summary>A name that a model may know or not.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Name">The name.</param>
/// <param name="Known">Whether the model knows it, where the file says it.</param>
/// <param name="Frequency">How often it is written, where the file says it.</param>
public sealed record Entity(string Id, string Name, bool? Known, double? Frequency)
{
    private static readonly string[] Names = ["name", "entity", "subject", "country", "text"];

    /// <summary>Reads names: a table or JSON lines with <c>name</c> (<c>entity</c>, <c>subject</c>, <c>country</c>), and if there are <c>known</c>,
    /// <c>frequency</c> and <c>id</c>.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, or a row has no name.</exception>
    public static IReadOnlyList<Entity> Read(string file) =>
        [
            .. StudyTable
                .Read(file)
                .Select(row => new Entity(
                    row.Value("id", "code") ?? $"{row.Number}",
                    row.Needed(Names),
                    row.Value("known")?.ToLowerInvariant() switch
                    {
                        "1" or "true" => true,
                        "0" or "false" => false,
                        null => null,
                        _ => throw row.Bad("known", "must be 1, 0, true or false"),
                    },
                    row.Value("frequency", "count") is not { } text ? null
                        : double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= 0 ? number
                        : throw row.Bad("frequency", "must be a number from 0")
                ))
                .DistinctBy(one => one.Name),
        ];
}

/// <summary>A row of a table or of JSON lines, whatever its form.</summary>
internal sealed record StudyRow(string File, int Number, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>The first of some fields that is there.</summary>
    public string? Value(params IEnumerable<string> names) =>
        names.Select(name => Fields.GetValueOrDefault(name)).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))?.Trim();

    /// <summary>The same of a field that has to be there.</summary>
    public string Needed(string[] names) =>
        Value(names) ?? throw new FileFormatException($"row {Number} has no {names[0]}; it is looked for under {string.Join(", ", names)}", File);

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
            .Select((row, i) => new StudyRow(file, i + 1, head.Zip(row.Fields).DistinctBy(one => one.First).ToDictionary(one => one.First, one => one.Second)));
    }

    private static Dictionary<string, string> Fields(JsonElement row) =>
        row.EnumerateObject()
            .Where(field => field.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
            .DistinctBy(field => field.Name)
            .ToDictionary(field => field.Name, field => field.Value.ToString());
}

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
                all.Length == 0
                    ? "holds no statement"
                    : $"holds only {(all[0].IsTrue ? "true" : "false")} statements; both kinds are needed",
                file
            );
    }

    /// <summary>
    /// Statements of each fact: what is so, and the same with the answer of another fact of its topic, and both denied. Each answer is as often in
    /// true statements as in false ones, so that no word gives the truth away. Of a fact with a wrong answer of its own: its text with either.
    /// </summary>
    /// <param name="facts">The facts.</param>
    /// <param name="seed">Decides which answers are exchanged.</param>
    public static IReadOnlyList<Statement> Of(IReadOnlyList<Fact> facts, int seed) =>
        [
            .. facts
                .Zip(Fact.Exchanged(facts, seed))
                .Select(pair => (Fact: pair.First, Wrong: pair.First.Wrong ?? facts[pair.Second].Answer))
                .Where(pair => pair.Fact.Answer != pair.Wrong)
                .SelectMany(pair => Of(pair.Fact, pair.Wrong)),
        ];

    private static Statement[] Of(Fact fact, string wrong)
    {
        if (fact.Prompt is not null)
            return [One("true", fact.Answer, true), One("false", wrong, false)];
        return
        [
            One("true", fact.Answer, true),
            One("false", wrong, false),
            One("not true", fact.Answer, false),
            One("not false", wrong, true),
        ];

        Statement One(string form, string answer, bool isTrue)
        {
            var isNegated = form.StartsWith("not", StringComparison.Ordinal);
            // A text that is only begun gets no full stop.
            var text = $"{fact.Begun} {(isNegated ? "not " : "")}{answer}{(fact.Prompt is null ? "." : "")}";
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

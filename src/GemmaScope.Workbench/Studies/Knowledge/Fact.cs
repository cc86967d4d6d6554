using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A thing, and the one answer to a question about it.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Subject">The thing: France.</param>
/// <param name="Relation">What is asked of it: capital.</param>
/// <param name="Answer">The answer: Paris.</param>
/// <param name="Topic">What kind of thing it is.</param>
/// <param name="Prompt">A text that the answer continues; null where it follows from subject and relation.</param>
/// <param name="Wrong">What is wrong in place of the answer; null where that is the answer of any other fact.</param>
public sealed record Fact(
    string Id,
    string Subject,
    string Relation,
    string Answer,
    string Topic,
    string? Prompt = null,
    string? Wrong = null
)
{
    // What upstream tables remark behind an answer: "Suva (on Viti Levu)", "Malabo; note …", "Washington, D.C.".
    private static readonly string[] Remarks = [" (", ";", ","];

    private static readonly string[] SubjectNames = ["subject", "country", "entity", "name", "prompt", "clean_prefix"],
        AnswerNames = ["object", "answer", "capital", "clean_answer"],
        PromptNames = ["prompt", "clean_prefix"],
        WrongNames = ["wrong", "patch_answer"],
        TopicNames = ["topic", "region", "category", "case"];

    /// <summary>The text that the answer continues.</summary>
    public string Begun => Prompt ?? $"The {Relation} of {Subject} is";

    /// <summary>What a user asks for the answer.</summary>
    public string Question => Prompt is null ? $"What is the {Relation} of {Subject}?" : $"Continue this text: {Prompt}";

    /// <summary>
    /// Reads facts: a table or JSON lines with <c>subject</c> and <c>object</c>, or <c>country</c> and <c>capital</c>, or a <c>prompt</c>, its
    /// <c>answer</c> and what is <c>wrong</c> (<c>clean_prefix</c>, <c>clean_answer</c> and <c>patch_answer</c> of published agreement pairs), and if
    /// there are <c>relation</c>, <c>topic</c> (<c>region</c>, <c>case</c>) and <c>id</c> (<c>code</c>). Remarks behind the answers about a subject are
    /// cut off; such answers that begin small are remarks and no names.
    /// </summary>
    /// <exception cref="FileFormatException">The file cannot be read, a row lacks something, or there are fewer than four facts.</exception>
    public static IReadOnlyList<Fact> Read(string file)
    {
        Fact[] facts =
        [
            .. StudyTable
                .Read(file)
                .Select(row => Of(row, Path.GetFileNameWithoutExtension(file)))
                .OfType<Fact>()
                .DistinctBy(fact => (fact.Subject, fact.Prompt is null ? "" : fact.Answer)),
        ];
        return facts.Length >= 4
            ? facts
            : throw new FileFormatException(
                $"holds {facts.Length} facts; four are the least of which true and false ones can be made",
                file
            );
    }

    /// <summary>For each fact another one, of its topic where there is one; each once.</summary>
    internal static int[] Exchanged(IReadOnlyList<Fact> facts, int seed)
    {
        var random = new Random(seed);
        var exchanged = new int[facts.Count];
        var sizes = facts.CountBy(fact => fact.Topic).ToDictionary();
        // Topics with a single fact exchange among each other. The pairs of a topic of agreement are all right in the same way: they exchange with all.
        foreach (
            var group in Enumerable
                .Range(0, facts.Count)
                .GroupBy(i => facts[i].Prompt is null && sizes[facts[i].Topic] > 1 ? facts[i].Topic : "")
        )
        {
            int[] places = [.. group];
            random.Shuffle(places);
            for (var i = 0; i < places.Length; i++)
                exchanged[places[i]] = places[(i + 1) % places.Length];
        }
        return exchanged;
    }

    private static Fact? Of(StudyRow row, string file)
    {
        var prompt = row.Value(PromptNames);
        var (subject, answer) = (row.Needed(SubjectNames), row.Needed(AnswerNames));
        var wrong = row.Value(WrongNames);
        if (prompt is null)
            (subject, answer) = (Cut(subject), Cut(answer));
        else if (wrong is null)
            throw row.Bad(WrongNames[0], "is missing: what is wrong in place of the answer");
        if (answer.Length == 0 || (prompt is null && char.IsLower(answer[0])))
            return null;
        return new(
            row.Value("id", "code") ?? FormattableString.Invariant($"{row.Number}"),
            subject,
            row.Value("relation") ?? (row.Value("capital") is null ? "answer" : "capital"),
            answer,
            row.Value(TopicNames)?.ReplaceLineEndings(" ") ?? file,
            prompt,
            wrong
        );
    }

    private static string Cut(string text)
    {
        var end = Remarks
            .Select(remark => text.IndexOf(remark, StringComparison.Ordinal))
            .Where(at => at > 0)
            .DefaultIfEmpty(text.Length)
            .Min();
        return text[..end].Trim();
    }
}

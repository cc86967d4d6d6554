namespace GemmaScope.Evaluation;

/// <summary>The interchanges of an attribute, on one side of the division of entities.</summary>
internal sealed class RavelPairs
{
    private readonly RavelSet _set;

    public RavelPairs(RavelSet set, IReadOnlyList<KnownAnswer> known, string attribute, bool training, RavelOptions options)
    {
        _set = set;
        var random = new Random(options.Seed);
        KnownAnswer[] side = [.. known.Where(one => set.Training.Contains(one.Question.Entity) == training)];
        KnownAnswer[] own = [.. side.Where(one => one.Question.Attribute == attribute)],
            others = [.. side.Where(one => one.Question.Attribute != attribute)];
        Cause = Draw(
            random,
            own,
            own,
            options.Pairs,
            (to, from) => to.Question.Answer != from.Question.Answer,
            (_, from) => from.Question.Answer
        );
        Isolation = Draw(
            random,
            others,
            own,
            options.Pairs,
            (to, from) => Differs(to.Question, from.Question.Entity),
            (to, _) => to.Question.Answer
        );
    }

    /// <summary>The base asks for the attribute, and the source's value is expected.</summary>
    public IReadOnlyList<InterchangePair> Cause { get; }

    /// <summary>The base asks for another attribute, in which the entities differ, and its own value is expected.</summary>
    public IReadOnlyList<InterchangePair> Isolation { get; }

    private bool Differs(RavelQuestion question, string entity) =>
        _set.Values[entity].GetValueOrDefault(question.Attribute) is { } value
        && value != _set.Values[question.Entity].GetValueOrDefault(question.Attribute);

    private static InterchangePair[] Draw(
        Random random,
        KnownAnswer[] bases,
        KnownAnswer[] sources,
        int count,
        Func<KnownAnswer, KnownAnswer, bool> fits,
        Func<KnownAnswer, KnownAnswer, int> expected
    )
    {
        if (bases.Length == 0 || sources.Length == 0)
            return [];
        HashSet<(KnownAnswer, KnownAnswer)> drawn = [];
        // Where few pairs fit, drawing must end all the same.
        const int tries = 20;
        for (var i = 0; i < tries * count && drawn.Count < count; i++)
            if (
                (bases[random.Next(bases.Length)], sources[random.Next(sources.Length)]) is var (to, from)
                && to.Question.Entity != from.Question.Entity
                && fits(to, from)
            )
                drawn.Add((to, from));
        return [.. drawn.Select(pair => new InterchangePair(pair.Item1, pair.Item2, expected(pair.Item1, pair.Item2)))];
    }
}

using GemmaScope.Evaluation;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>Where an AUROC would lie if other cases had been drawn.</summary>
public static class RankingInterval
{
    /// <summary>The percentile bootstrap (95 %): whole groups are drawn, because statements about one thing are no cases of their own.</summary>
    /// <param name="labels">Whether each case is a positive.</param>
    /// <param name="scores">Their scores.</param>
    /// <param name="groups">The group of each; null where each is its own.</param>
    /// <param name="resamples">Draws, from 1.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <returns>Null where no draw has both kinds.</returns>
    public static Interval? Of(
        IReadOnlyList<bool> labels,
        IReadOnlyList<double> scores,
        IReadOnlyList<string>? groups,
        int resamples,
        int seed
    )
    {
        var all = Enumerable.Range(0, labels.Count);
        int[][] members = groups is null
            ? [.. all.Select(i => (int[])[i])]
            : [.. all.GroupBy(i => groups[i]).Select(group => group.ToArray())];
        if (members.Length == 0)
            return null;
        var random = new Random(seed);
        List<double> found = [];
        List<bool> drawn = [];
        List<double> drawnScores = [];
        for (var draw = 0; draw < resamples; draw++)
        {
            drawn.Clear();
            drawnScores.Clear();
            for (var i = 0; i < members.Length; i++)
                foreach (var member in members[random.Next(members.Length)])
                {
                    drawn.Add(labels[member]);
                    drawnScores.Add(scores[member]);
                }
            if (Ranking.AurocOf([.. drawn], [.. drawnScores]) is { } auroc)
                found.Add(auroc);
        }
        return Interval.Of(found, 0.025);
    }
}

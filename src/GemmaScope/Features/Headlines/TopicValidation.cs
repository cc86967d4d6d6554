using GemmaScope.Evaluation;

namespace GemmaScope.Features;

/// <summary>How well one method finds the topics of headlines it has not seen.</summary>
/// <param name="Method">The method.</param>
/// <param name="Accuracy">Share of headlines whose most likely topic is right.</param>
/// <param name="Auroc">Mean over topics of the AUROC of that topic against the rest; topics that are not among the rows are left
/// out.</param>
/// <param name="Known">Share of headlines whose topic is likely enough to be named.</param>
/// <param name="AccuracyWhereKnown">Share of right topics among those.</param>
public sealed record TopicScores(string Method, double? Accuracy, double? Auroc, double? Known, double? AccuracyWhereKnown)
{
    internal static TopicScores Of(string method, double[][] probabilities, IReadOnlyList<int> topicOf, double minimum)
    {
        var rows = Enumerable.Range(0, topicOf.Count).ToArray();
        int[] best = [.. rows.Select(row => Enumerable.Range(0, probabilities.Length).MaxBy(topic => probabilities[topic][row]))];
        var known = rows.Where(row => probabilities[best[row]][row] >= minimum).ToArray();
        var aurocs = probabilities.Select((scores, topic) => Ranking.AurocOf([.. topicOf.Select(own => own == topic)], scores));
        return new TopicScores(
            method,
            Share(rows),
            aurocs.Average(),
            rows.Length == 0 ? null : (double)known.Length / rows.Length,
            Share(known)
        );

        double? Share(int[] of) => of.Length == 0 ? null : of.Count(row => best[row] == topicOf[row]) / (double)of.Length;
    }
}

/// <summary>The methods side by side on held-out headlines.</summary>
/// <param name="TrainingRows">Headlines learned from.</param>
/// <param name="HeldOutRows">Headlines measured on.</param>
/// <param name="Split">How they were told apart.</param>
/// <param name="Majority">Accuracy of always naming the commonest topic of the training rows.</param>
/// <param name="Methods">The sparse features first, then the baselines (METHODS §2.10).</param>
public sealed record TopicValidation(int TrainingRows, int HeldOutRows, string Split, double? Majority, IReadOnlyList<TopicScores> Methods);

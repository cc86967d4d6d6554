using GemmaScope.Behaviour.Knowledge;

namespace GemmaScope.Workbench;

/// <summary>The table of what a model says of statements against what a probe reads in it.</summary>
internal static class SaidKnown
{
    // Below this both answers together are so unlikely that which of them is likelier says little of what would be said.
    private const double LeastMass = 0.1;

    /// <summary>Makes the table.</summary>
    /// <param name="statements">The statements.</param>
    /// <param name="known">How likely each is true, by a probe that was not fitted on it.</param>
    /// <param name="answers">What the model says.</param>
    /// <param name="withNegated">Whether the probe reads negated statements; else they are left out, for it says nothing of them.</param>
    /// <param name="options">How sure the probe has to be.</param>
    public static SaidAndKnown Of(
        Statement[] statements,
        double[] known,
        YesNoAnswer[] answers,
        bool withNegated,
        KnowledgeStudyJobOptions options
    )
    {
        int[] all = [.. Enumerable.Range(0, statements.Length).Where(i => withNegated || !statements[i].IsNegated)],
            readable = [.. all.Where(IsReadable)],
            compared = [.. readable.Where(IsSure)],
            differ = [.. compared.Where(i => known[i] > 0.5 != answers[i].IsYes)];
        var believed = compared.Length == 0 ? 0 : compared.Average(i => known[i] > 0.5 ? 1.0 : 0);
        return new(
            all.Length == 0 ? 0 : all.Average(i => answers[i].Mass),
            readable.Length,
            Share(readable, i => answers[i].IsYes),
            Share(readable, i => answers[i].IsYes == statements[i].IsTrue),
            [
                .. ((string[])["true", "false", "unsure"]).SelectMany(row =>
                    ((string[])["yes", "no", "unreadable"]).Select(column =>
                    {
                        int[] here = [.. all.Where(i => Known(i) == row && Said(i) == column)];
                        return new SaidKnownCell(row, column, here.Length, here.Count(i => statements[i].IsTrue));
                    })
                ),
            ],
            compared.Length,
            Share(compared, i => known[i] > 0.5 != answers[i].IsYes),
            Means(compared, i => answers[i].IsYes ? 1 - believed : believed),
            Share(differ, i => known[i] > 0.5 == statements[i].IsTrue),
            [
                .. differ
                    .Select(i => new Discrepancy(
                        statements[i].Id,
                        statements[i].Topic,
                        options.ShowTexts ? statements[i].Text : null,
                        statements[i].IsTrue,
                        known[i],
                        answers[i].Probability,
                        Math.Min(Sure(known[i]), Sure(answers[i].Probability))
                    ))
                    .OrderByDescending(one => one.Confidence)
                    .ThenBy(one => one.Id, StringComparer.Ordinal),
            ]
        );

        bool IsReadable(int i) => answers[i].Mass >= LeastMass;
        bool IsSure(int i) => Sure(known[i]) >= options.Confidence;
        string Known(int i) =>
            !IsSure(i) ? "unsure"
            : known[i] > 0.5 ? "true"
            : "false";
        string Said(int i) =>
            !IsReadable(i) ? "unreadable"
            : answers[i].IsYes ? "yes"
            : "no";
        Evaluation.MeanEstimate? Share(int[] places, Func<int, bool> what) => Means(places, i => what(i) ? 1 : 0);

        // Statements about one thing stand or fall together: their mean is one case.
        Evaluation.MeanEstimate? Means(int[] places, Func<int, double> what) =>
            StudyMeans.Of([.. places.GroupBy(i => statements[i].About).Select(group => group.Average(what))], options);
    }

    private static double Sure(double probability) => Math.Max(probability, 1 - probability);
}

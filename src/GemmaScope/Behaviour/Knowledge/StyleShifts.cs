using GemmaScope.Evaluation;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>How a probe does on texts in a style that it was not fitted on.</summary>
/// <param name="Style">The style.</param>
/// <param name="PlainAuroc">Fitted on plain texts alone.</param>
/// <param name="Auroc">Fitted on texts in all other styles.</param>
/// <param name="Interval">Where that would lie with other texts.</param>
/// <param name="Residual">The same after what entropy and length predict was taken out of the activations.</param>
/// <param name="ResidualInterval">Where that would lie.</param>
/// <param name="PValue">How often a fit on shuffled labels does as well as <paramref name="Auroc"/>.</param>
/// <param name="NullMean">What such fits do on average.</param>
/// <param name="CovariateAuroc">Entropy and length alone, fitted on the same texts.</param>
public sealed record StyleShift(
    string Style,
    double? PlainAuroc,
    double? Auroc,
    Interval? Interval,
    double? Residual,
    Interval? ResidualInterval,
    double PValue,
    double NullMean,
    double? CovariateAuroc
)
{
    /// <summary>Whether the probe still tells the two kinds apart: better than shuffled labels do (p ≤ 0.05), with an interval above one half, and
    /// not by entropy and length alone.</summary>
    public bool Survives => PValue <= 0.05 && Interval is { Low: > 0.5 } && ResidualInterval is { Low: > 0.5 };
}

/// <summary>Texts in several styles, read in one layer at one point.</summary>
/// <param name="Rows">[styles][texts] activations.</param>
/// <param name="Entropies">[styles][texts] of the next token.</param>
/// <param name="Lengths">[styles][texts] tokens.</param>
public sealed record StyledRows(
    IReadOnlyList<IReadOnlyList<float[]>> Rows,
    IReadOnlyList<IReadOnlyList<double>> Entropies,
    IReadOnlyList<IReadOnlyList<double>> Lengths
);

/// <summary>
/// Whether a probe survives a change of style, or reads the style: each style is held out in turn, with texts that were not fitted on in any
/// style. By difference of means, which can be fitted to hundreds of shuffles of the labels.
/// </summary>
public static class StyleShifts
{
    /// <summary>Measures every shift.</summary>
    /// <param name="texts">The texts; the plain style comes first.</param>
    /// <param name="styles">The names of the styles.</param>
    /// <param name="labels">The kind of each text.</param>
    /// <param name="train">Texts to fit on, with both kinds.</param>
    /// <param name="test">Texts to test on.</param>
    /// <param name="permutations">Shuffles of the labels, from 1.</param>
    /// <param name="resamples">Draws of the bootstrap.</param>
    /// <param name="seed">Seed of both.</param>
    /// <param name="cancellationToken">Stops between two shifts.</param>
    public static IReadOnlyList<StyleShift> Measure(
        StyledRows texts,
        IReadOnlyList<string> styles,
        bool[] labels,
        int[] train,
        int[] test,
        int permutations,
        int resamples,
        int seed,
        CancellationToken cancellationToken = default
    )
    {
        var tested = Labels(test, labels);
        var plain = Fit(texts.Rows, [0], train, labels);
        return [.. Enumerable.Range(0, styles.Count).Select(Shift)];

        StyleShift Shift(int style)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] others = [.. Enumerable.Range(0, styles.Count).Where(other => other != style)];
            var here = Of(texts.Rows[style], test);
            double[] scores = Fit(texts.Rows, others, train, labels).Scores(here),
                covariates = CovariateScores(others, style),
                residual = ResidualScores(others, style);
            var auroc = Ranking.AurocOf(tested, scores);
            var shuffled = Shuffled(others, here);
            return new(
                styles[style],
                Ranking.AurocOf(tested, plain.Scores(here)),
                auroc,
                Draws(scores),
                Ranking.AurocOf(tested, residual),
                Draws(residual),
                (1.0 + shuffled.Count(one => one >= auroc)) / (1 + shuffled.Length),
                shuffled.Average(),
                Ranking.AurocOf(tested, covariates)
            );
        }

        Interval? Draws(double[] scores) => RankingInterval.Of(tested, scores, null, resamples, seed);

        double[] Shuffled(int[] others, float[][] here)
        {
            var random = new Random(seed);
            var found = new double[permutations];
            // Of the texts that are tested too: a probe of shuffled labels finds the strongest direction there is, one way round or the other.
            int[] all = [.. train, .. test];
            bool[] own = Labels(all, labels);
            for (var i = 0; i < permutations; i++)
            {
                random.Shuffle(own);
                // A text keeps its label in every style: the styles of a text are no texts of their own.
                var mixed = new bool[labels.Length];
                for (var t = 0; t < all.Length; t++)
                    mixed[all[t]] = own[t];
                bool[] fitted = Labels(train, mixed);
                found[i] =
                    fitted.Contains(true) && fitted.Contains(false)
                        ? Ranking.AurocOf(Labels(test, mixed), Fit(texts.Rows, others, train, mixed).Scores(here)) ?? 0.5
                        : 0.5;
            }
            return found;
        }

        double[] ResidualScores(int[] others, int style)
        {
            var regression = Residuals.Fit(
                [.. others.SelectMany(other => train.Select(i => Covariates(other, i)))],
                [.. others.SelectMany(other => Of(texts.Rows[other], train))]
            );
            var probe = ActivationProbe.Fit(
                ProbeMethod.MassMean,
                [.. others.SelectMany(other => train.Select(i => regression.Of(Covariates(other, i), texts.Rows[other][i])))],
                [.. others.SelectMany(_ => Labels(train, labels))],
                cancellationToken
            );
            return probe.Scores([.. test.Select(i => regression.Of(Covariates(style, i), texts.Rows[style][i]))]);
        }

        double[] CovariateScores(int[] others, int style)
        {
            var rows = others.SelectMany(other => train.Select(i => Single(Covariates(other, i)))).ToArray();
            var probe = ActivationProbe.Fit(
                ProbeMethod.Logistic,
                rows,
                [.. others.SelectMany(_ => Labels(train, labels))],
                cancellationToken
            );
            return probe.Scores([.. test.Select(i => Single(Covariates(style, i)))]);
        }

        double[] Covariates(int style, int text) => [texts.Entropies[style][text], Math.Log(texts.Lengths[style][text])];
    }

    private static float[] Single(double[] values) => Array.ConvertAll(values, value => (float)value);

    private static ActivationProbe Fit(IReadOnlyList<IReadOnlyList<float[]>> rows, int[] styles, int[] train, bool[] labels) =>
        ActivationProbe.Fit(
            ProbeMethod.MassMean,
            [.. styles.SelectMany(style => Of(rows[style], train))],
            [.. styles.SelectMany(_ => Labels(train, labels))]
        );

    private static float[][] Of(IReadOnlyList<float[]> rows, int[] places) => Array.ConvertAll(places, i => rows[i]);

    private static bool[] Labels(int[] places, bool[] labels) => Array.ConvertAll(places, i => labels[i]);
}

using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>Settings of <see cref="FirstLetterAbsorption"/>.</summary>
public sealed record FirstLetterOptions
{
    /// <summary>Latents that may share a letter.</summary>
    public int MaxSplits { get; init; } = 10;

    /// <summary>The rise of F1 that one latent more must bring to count as a split.</summary>
    public double Jump { get; init; } = 0.03;

    /// <summary>Letters with fewer words to learn from are left out.</summary>
    public int LeastWords { get; init; } = 5;

    /// <summary>Seed of the division into parts.</summary>
    public int Seed { get; init; }
}

/// <summary>Absorption of one letter.</summary>
/// <param name="Letter">The letter.</param>
/// <param name="Words">Words that begin with it.</param>
/// <param name="Rate">Over those that the probe gets right.</param>
/// <param name="Main">The main latents, of each part's training words.</param>
public sealed record LetterAbsorption(char Letter, int Words, AbsorptionRate Rate, IReadOnlyList<IReadOnlyList<int>> Main)
{
    /// <summary>Mean number of main latents: 1 is no splitting.</summary>
    public double Splits => Main.Average(latents => latents.Count);
}

/// <summary>Absorption over all letters.</summary>
/// <param name="Letters">Each letter with enough words.</param>
/// <param name="LeftOut">Letters with too few.</param>
/// <param name="Total">Over all words that their probe gets right.</param>
/// <param name="ProbeAuroc">Mean AUROC of the probes on words they have not seen; null without letters.</param>
public sealed record FirstLetterReport(
    IReadOnlyList<LetterAbsorption> Letters,
    IReadOnlyList<char> LeftOut,
    AbsorptionRate Total,
    double? ProbeAuroc
);

/// <summary>
/// Feature absorption on first letters (METHODS §6.2). The words are divided into five parts; probes and main latents of each part are
/// chosen on
/// the other four, so that every word is judged once, by what has not seen it.
/// </summary>
public static class FirstLetterAbsorption
{
    private const int Parts = 5;
    private const double GradientTolerance = 1e-2;

    /// <summary>Measures a dictionary.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="prompts">The words.</param>
    /// <param name="activations">[words, input width] at their last token.</param>
    /// <param name="features">[words, width] there.</param>
    /// <param name="options">Settings; null for the protocol's.</param>
    /// <param name="progress">Told how many letters are done.</param>
    /// <param name="cancellationToken">Stops between two steps of a fit.</param>
    public static FirstLetterReport Run(
        SparseDictionary dictionary,
        IReadOnlyList<SpellingPrompt> prompts,
        SparseActivations activations,
        SparseActivations features,
        FirstLetterOptions? options = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new FirstLetterOptions();
        var parts = Divide(prompts, options.Seed);
        var letters = prompts.GroupBy(prompt => prompt.Letter).OrderBy(group => group.Key).Select(group => group.Key).ToArray();
        bool Enough(int letter) =>
            Enumerable
                .Range(0, Parts)
                .All(part => prompts.Where((prompt, i) => prompt.Letter == letter && parts[i] != part).Count() >= options.LeastWords);
        var used = letters.Where(letter => Enough(letter) && letters.Length > 1).ToArray();
        var found = new (LetterAbsorption Letter, IReadOnlyList<AbsorbedWord> Words, double[] Aurocs)[used.Length];
        var done = 0;
        Parallel.For(
            0,
            used.Length,
            new ParallelOptions { CancellationToken = cancellationToken },
            i =>
            {
                found[i] = Letter(dictionary, prompts, parts, used[i], activations, features, options, cancellationToken);
                progress?.Report(Interlocked.Increment(ref done));
            }
        );
        return new FirstLetterReport(
            [.. found.Select(one => one.Letter)],
            [.. letters.Except(used).Select(letter => (char)('a' + letter))],
            AbsorptionRate.Of([.. found.SelectMany(one => one.Words)]),
            found.SelectMany(one => one.Aurocs).Cast<double?>().Average()
        );
    }

    private static (LetterAbsorption, IReadOnlyList<AbsorbedWord>, double[]) Letter(
        SparseDictionary dictionary,
        IReadOnlyList<SpellingPrompt> prompts,
        int[] parts,
        int letter,
        SparseActivations activations,
        SparseActivations features,
        FirstLetterOptions options,
        CancellationToken cancellationToken
    )
    {
        var logistic = new LogisticOptions { GradientTolerance = GradientTolerance };
        List<AbsorbedWord> words = [];
        List<IReadOnlyList<int>> mains = [];
        List<double> aurocs = [];
        for (var part = 0; part < Parts; part++)
        {
            int[] train = [.. Enumerable.Range(0, prompts.Count).Where(i => parts[i] != part)],
                test = [.. Enumerable.Range(0, prompts.Count).Where(i => parts[i] == part)];
            bool[] labels = [.. train.Select(i => prompts[i].Letter == letter)];
            var probe = LogisticProbe.Fit(SparseProducts.Rows(activations, train), labels, logistic, cancellationToken);
            mains.Add(MainLatents(SparseProducts.Rows(features, train), labels, options, logistic, cancellationToken));
            var direction = probe.Coefficients.Select(weight => (float)weight).ToArray();
            var absorption = new Absorption(dictionary.Width, dictionary.Decoder, direction, mains[^1]);
            var held = SparseProducts.Rows(activations, test);
            var scores = probe.Scores(held);
            if (Ranking.AurocOf([.. test.Select(i => prompts[i].Letter == letter)], scores) is { } auroc)
                aurocs.Add(auroc);
            for (var i = 0; i < test.Length; i++)
                if (prompts[test[i]].Letter == letter && scores[i] > 0)
                    words.Add(absorption.Judge(Dense(held, i), features, test[i]));
        }
        return (
            new LetterAbsorption((char)('a' + letter), prompts.Count(prompt => prompt.Letter == letter), AbsorptionRate.Of(words), mains),
            words,
            [.. aurocs]
        );
    }

    /// <summary>The latents that stand for the letter: as many as raise the F1 of a k-sparse probe, of those that fire more on the letter
    /// than elsewhere.</summary>
    private static int[] MainLatents(
        SparseActivations x,
        bool[] labels,
        FirstLetterOptions options,
        LogisticOptions logistic,
        CancellationToken cancellationToken
    )
    {
        var differences = MeanDifference.Of(x, labels);
        int[] ranking = [.. MeanDifference.Rank(differences).Where(feature => differences[feature] > 0).Take(options.MaxSplits)];
        // One more latent may raise F1 only until a jump is missing, so later ones are not fitted.
        List<double> f1 = [];
        for (var k = 1; k <= ranking.Length && KSparseProbe.CountSplits(f1, options.Jump) == Math.Max(1, k - 1); k++)
            f1.Add(Confusion.At(labels, KSparseProbe.Fit(x, labels, ranking[..k], logistic, cancellationToken).Scores(x), 0).F1 ?? 0);
        return ranking[..Math.Min(ranking.Length, KSparseProbe.CountSplits(f1, options.Jump))];
    }

    /// <summary>The part of each word: letters are spread evenly.</summary>
    private static int[] Divide(IReadOnlyList<SpellingPrompt> prompts, int seed)
    {
        var random = new Random(seed);
        var parts = new int[prompts.Count];
        foreach (var group in Enumerable.Range(0, prompts.Count).GroupBy(i => prompts[i].Letter).OrderBy(group => group.Key))
        {
            var rows = group.ToArray();
            random.Shuffle(rows);
            for (var i = 0; i < rows.Length; i++)
                parts[rows[i]] = i % Parts;
        }
        return parts;
    }

    private static float[] Dense(SparseActivations x, int row)
    {
        var values = new float[x.Width];
        for (var i = 0; i < x.Indices(row).Length; i++)
            values[x.Indices(row)[i]] = x.Values(row)[i];
        return values;
    }
}

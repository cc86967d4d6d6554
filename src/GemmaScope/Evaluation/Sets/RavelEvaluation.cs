using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>Settings of <see cref="RavelEvaluation"/>.</summary>
public sealed record RavelOptions
{
    /// <summary>Entities asked about, half of them to learn from.</summary>
    public int Entities { get; init; } = 200;

    /// <summary>Prompts of each attribute.</summary>
    public int Prompts { get; init; } = 8;

    /// <summary>Pairs of each attribute and kind (cause, isolation), to learn from and to measure on each.</summary>
    public int Pairs { get; init; } = 128;

    /// <summary>The numbers of features among which the selection by probe weights chooses on its training pairs.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [1, 4, 16, 64, 256];

    /// <summary>Passes of the mask over the training pairs; 0 to leave it out.</summary>
    public int Epochs { get; init; } = 2;

    /// <summary>The mask's learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Seed of everything that is drawn.</summary>
    public int Seed { get; init; }
}

/// <summary>How well one choice of features separates an attribute from the others.</summary>
/// <param name="Method">How they were chosen.</param>
/// <param name="Features">How many; null for the whole activation.</param>
/// <param name="Cause">Share of swaps that give the source's value of the attribute; null without pairs.</param>
/// <param name="Isolation">Share of swaps that leave the base's value of another attribute; null without pairs.</param>
public sealed record RavelScore(string Method, int? Features, double? Cause, double? Isolation)
{
    /// <summary>The mean of the two; null where one is undefined.</summary>
    public double? Score => (Cause + Isolation) / 2;
}

/// <summary>An attribute of a domain.</summary>
/// <param name="Attribute">Its name.</param>
/// <param name="Asked">Questions asked.</param>
/// <param name="Known">Those that the model answers rightly; only these are used.</param>
/// <param name="Entities">Entities among them.</param>
/// <param name="CausePairs">Pairs on which the cause is measured.</param>
/// <param name="IsolationPairs">Pairs on which the isolation is measured.</param>
/// <param name="Scores">One entry a method; none without pairs to learn from.</param>
public sealed record RavelAttribute(
    string Attribute,
    int Asked,
    int Known,
    int Entities,
    int CausePairs,
    int IsolationPairs,
    IReadOnlyList<RavelScore> Scores
);

/// <summary>
/// RAVEL (METHODS §6.2): do some features carry one attribute of an entity and no other? The entity of one prompt is swapped into another
/// through
/// those features alone; the attribute should follow (cause) and all others stay (isolation). Only questions that the model answers rightly
/// count.
/// </summary>
public static class RavelEvaluation
{
    // A value that fewer training questions have is not worth a probe.
    private const int LeastOfAValue = 3;

    /// <summary>Measures a dictionary.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary that reads and writes one and the same site.</param>
    /// <param name="set">Entities and prompts.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="stage">Told what is being done, and how many steps it has.</param>
    /// <param name="cancellationToken">Stops between runs.</param>
    /// <exception cref="ArgumentProblemException">The dictionary reads and writes different sites, or needs its input to
    /// decode.</exception>
    public static IReadOnlyList<RavelAttribute> Run(
        GemmaModel model,
        SparseDictionary dictionary,
        RavelSet set,
        RavelOptions? options = null,
        Func<string, long, IProgress<long>>? stage = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new RavelOptions();
        if (
            dictionary.InputSites.Count != 1
            || dictionary.OutputSites.Count != 1
            || dictionary.InputSite != dictionary.OutputSite
            || dictionary.DecodesWithInput
        )
            throw new ArgumentProblemException(
                "an interchange needs a dictionary that writes the site it reads, from its features alone",
                dictionary.Name
            );
        var interchange = new Interchange(model, dictionary);
        var questions = set.Ask(model.Tokenizer, options.Entities, options.Prompts, options.Seed);
        var known = interchange.Known(questions, stage?.Invoke("questions", questions.Count), cancellationToken);
        return
        [
            .. set
                .Prompts.Keys.Order(StringComparer.Ordinal)
                .Select(attribute =>
                {
                    var own = known.Where(one => one.Question.Attribute == attribute).ToArray();
                    var (train, test) = (
                        new RavelPairs(set, known, attribute, training: true, options),
                        new RavelPairs(set, known, attribute, training: false, options)
                    );
                    var scores =
                        test.Cause.Count + test.Isolation.Count == 0
                            ? []
                            : Scores(interchange, dictionary, own, train, test, set, options, stage, cancellationToken);
                    return new RavelAttribute(
                        attribute,
                        questions.Count(question => question.Attribute == attribute),
                        own.Length,
                        own.Select(one => one.Question.Entity).Distinct().Count(),
                        test.Cause.Count,
                        test.Isolation.Count,
                        scores
                    );
                }),
        ];
    }

    private static List<RavelScore> Scores(
        Interchange interchange,
        SparseDictionary dictionary,
        KnownAnswer[] known,
        RavelPairs train,
        RavelPairs test,
        RavelSet set,
        RavelOptions options,
        Func<string, long, IProgress<long>>? stage,
        CancellationToken cancellationToken
    )
    {
        RavelScore Measure(string method, int? features, RavelPairs pairs, Func<InterchangePair, float[]> swapped) =>
            new(
                method,
                features,
                interchange.Accuracy(pairs.Cause, swapped, cancellationToken),
                interchange.Accuracy(pairs.Isolation, swapped, cancellationToken)
            );
        RavelScore Chosen(string method, IReadOnlySet<int> features, RavelPairs pairs) =>
            Measure(method, features.Count, pairs, pair => interchange.Swapped(pair, feature => features.Contains(feature) ? 1 : 0));

        List<RavelScore> scores =
        [
            Measure("nothing swapped", 0, test, pair => pair.Base.X),
            Measure("whole activation", null, test, pair => pair.Source.X),
            Measure("all features", dictionary.Width, test, pair => interchange.Swapped(pair, _ => 1)),
        ];
        if (train.Cause.Count == 0 || train.Isolation.Count == 0)
            return scores;
        if (
            Ranking(dictionary, [.. known.Where(one => set.Training.Contains(one.Question.Entity))], cancellationToken) is
            { Length: > 0 } ranking
        )
        {
            var size = options
                .Sizes.Select(k => Math.Min(k, ranking.Length))
                .Distinct()
                .MaxBy(k => Chosen("", ranking[..k].ToHashSet(), train).Score);
            scores.Add(Chosen("by probe weight", ranking[..size].ToHashSet(), test));
        }
        if (options.Epochs > 0)
        {
            InterchangePair[] pairs = [.. train.Cause, .. train.Isolation];
            var mask = new FeatureMask(interchange, options.Epochs, options.LearningRate, options.Seed);
            scores.Add(
                Chosen(
                    "trained mask",
                    mask.Train(pairs, stage?.Invoke("training steps", (long)pairs.Length * options.Epochs), cancellationToken),
                    test
                )
            );
        }
        return scores;
    }

    /// <summary>Features by the sum of their weights' sizes in probes that tell each value of the attribute from the rest; those without
    /// weight are left out.</summary>
    private static int[] Ranking(SparseDictionary dictionary, KnownAnswer[] known, CancellationToken cancellationToken)
    {
        var rows = new FeatureRows(known.Length, dictionary.Width);
        for (var row = 0; row < known.Length; row++)
            foreach (var (feature, value) in known[row].Features.OrderBy(feature => feature.Feature))
                rows[row].Add(feature, value);
        var x = rows.ToActivations();
        var weights = new double[dictionary.Width];
        foreach (var (answer, count) in known.CountBy(one => one.Question.Answer).OrderBy(pair => pair.Key))
        {
            if (count < LeastOfAValue || count == known.Length)
                continue;
            var probe = LogisticProbe.Fit(
                x,
                [.. known.Select(one => one.Question.Answer == answer)],
                new LogisticOptions { GradientTolerance = 1e-2 },
                cancellationToken
            );
            for (var i = 0; i < weights.Length; i++)
                weights[i] += Math.Abs(probe.Coefficients[i]);
        }
        return [.. MeanDifference.Rank(weights).TakeWhile(feature => weights[feature] > 0)];
    }
}

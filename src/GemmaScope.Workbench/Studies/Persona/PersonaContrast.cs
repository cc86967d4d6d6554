using GemmaScope.Behaviour;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>Replies of two kinds, by their places among all that were read.</summary>
internal sealed record PersonaSides(int[] Positive, int[] Negative)
{
    public int[] All => [.. Positive, .. Negative];

    public bool[] Labels => [.. Positive.Select(_ => true), .. Negative.Select(_ => false)];
}

/// <summary>A direction between two kinds of replies: made from some, its layer chosen on others, and measured on a third part, beside a
/// direction between replies that were shuffled and random ones.</summary>
internal sealed class PersonaContrast
{
    private readonly ReplyMeans _means;
    private readonly PersonaSides _train,
        _shuffledTrain,
        _test;
    private readonly StudyJobOptions _options;
    private readonly IReadOnlyList<string> _groups;

    /// <param name="means">The replies.</param>
    /// <param name="layers">The layers that were read.</param>
    /// <param name="parts">What makes the direction, chooses its layer, and is measured.</param>
    /// <param name="groups">Of each reply what it belongs to: replies to one question are no cases of their own.</param>
    /// <param name="options">Seed and draws.</param>
    public PersonaContrast(
        ReplyMeans means,
        IEnumerable<int> layers,
        (PersonaSides Train, PersonaSides Validation, PersonaSides Test) parts,
        IReadOnlyList<string> groups,
        StudyJobOptions options
    )
    {
        (_means, _train, _test, _groups, _options) = (means, parts.Train, parts.Test, groups, options);
        var mixed = _train.All;
        new Random(options.Seed).Shuffle(mixed);
        _shuffledTrain = new(mixed[.._train.Positive.Length], mixed[_train.Positive.Length..]);
        Layers = [.. layers.Select(layer => Of(layer, parts.Validation))];
        // Of layers that separate alike, that in which the kinds lie farthest apart for their spread.
        Layer = Layers.OrderByDescending(one => one.Validation).ThenByDescending(one => Spread(one.Layer, parts.Validation)).First().Layer;
        Vector = At(Layer);
        Separation = Separates(Layer, Vector)!;
    }

    public IReadOnlyList<PersonaLayer> Layers { get; }

    public int Layer { get; }

    public float[] Vector { get; }

    public MeanEstimate Separation { get; }

    /// <summary>The direction before a layer.</summary>
    public float[] At(int layer) => _means.Difference(layer, _train.Positive, _train.Negative);

    /// <summary>A direction before a layer between replies that were shuffled, as long as the other.</summary>
    public float[] ShuffledAt(int layer) =>
        ControlDirections.Scaled(_means.Difference(layer, _shuffledTrain.Positive, _shuffledTrain.Negative), At(layer));

    /// <summary>A random direction as long as that before a layer.</summary>
    public float[] RandomAt(int layer, int control) =>
        ControlDirections.Random(At(layer), unchecked(_options.Seed + 100 * layer + control));

    /// <summary>How well a control separates, whichever side it puts first.</summary>
    public MeanEstimate? Separates(float[] direction)
    {
        var scores = Scores(Layer, direction, _test);
        return Ranking.AurocOf(_test.Labels, scores) < 0.5 ? Estimate([.. scores.Select(score => -score)]) : Estimate(scores);
    }

    /// <summary>Projections of replies at the chosen layer.</summary>
    public double[] Places(IReadOnlyList<int> replies, int? layer = null)
    {
        var at = layer ?? Layer;
        var all = _means.Projections(at, At(at));
        return [.. replies.Select(reply => all[reply])];
    }

    private MeanEstimate? Separates(int layer, float[] direction) => Estimate(Scores(layer, direction, _test));

    private MeanEstimate? Estimate(double[] scores)
    {
        var labels = _test.Labels;
        if (Ranking.AurocOf(labels, scores) is not { } auroc)
            return null;
        var interval = RankingInterval.Of(
            labels,
            scores,
            [.. _test.All.Select(reply => _groups[reply])],
            _options.Resamples,
            _options.Seed
        );
        return new(labels.Length, auroc, interval?.Low ?? auroc, interval?.High ?? auroc);
    }

    private double[] Scores(int layer, float[] direction, PersonaSides sides)
    {
        var all = _means.Projections(layer, direction);
        return [.. sides.All.Select(reply => all[reply])];
    }

    private PersonaLayer Of(int layer, PersonaSides validation)
    {
        var vector = At(layer);
        var test = Scores(layer, vector, _test);
        return new(
            layer,
            ControlDirections.Norm(vector),
            Ranking.AurocOf(validation.Labels, Scores(layer, vector, validation)) ?? 0.5,
            Ranking.AurocOf(_test.Labels, test) ?? 0.5,
            test.Take(_test.Positive.Length).Average(),
            test.Skip(_test.Positive.Length).Average()
        );
    }

    private double Spread(int layer, PersonaSides sides)
    {
        var scores = Scores(layer, At(layer), sides);
        var (positive, negative) = (scores[..sides.Positive.Length], scores[sides.Positive.Length..]);
        var distance = positive.Average() - negative.Average();
        var variance = (Variance(positive) + Variance(negative)) / 2;
        return variance > 0 ? distance / Math.Sqrt(variance) : 0;

        static double Variance(double[] values)
        {
            var mean = values.Average();
            return values.Average(value => (value - mean) * (value - mean));
        }
    }
}

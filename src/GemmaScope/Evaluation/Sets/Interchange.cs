using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>A question that the model answers rightly, with what it holds at the entity's last token.</summary>
/// <param name="Question">The question.</param>
/// <param name="X">The activation.</param>
/// <param name="Features">Its features.</param>
internal sealed record KnownAnswer(RavelQuestion Question, float[] X, FeatureActivation[] Features);

/// <summary>An interchange: the entity of one question is put into another.</summary>
/// <param name="Base">The question that is run.</param>
/// <param name="Source">The question whose entity is put in.</param>
/// <param name="Expected">The first token of the answer that would be right.</param>
internal sealed record InterchangePair(KnownAnswer Base, KnownAnswer Source, int Expected);

/// <summary>
/// Interchange interventions through a dictionary (METHODS §6.2): at the entity's last token x ← x + Σ m_i (f_i(source) − f_i(base))
/// W_dec,i. What
/// the features do not explain stays as it was.
/// </summary>
internal sealed class Interchange(GemmaModel model, SparseDictionary dictionary)
{
    private readonly Dictionary<int, float[]> _decoder = [];

    public Site Site { get; } = dictionary.InputSite;

    /// <summary>The questions that the model answers rightly: its likeliest next token begins the answer.</summary>
    public IReadOnlyList<KnownAnswer> Known(
        IReadOnlyList<RavelQuestion> questions,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        List<KnownAnswer> known = [];
        var at = 0;
        foreach (var batch in TokenText.Batches([.. questions.Select(question => new TokenText(question.Ids, []))]))
        {
            using var run = model.Run(
                [.. batch.Select(text => text.Ids)],
                capture: [Site],
                logits: LogitRows.Last,
                cancellationToken: cancellationToken
            );
            int[] right = [.. Enumerable.Range(0, batch.Length).Where(i => run.TopNextTokens(1, i)[0].Token == questions[at + i].Answer)];
            if (right.Length > 0)
            {
                using var x = Tensor.Uninitialized(right.Length, dictionary.InputWidth);
                for (var i = 0; i < right.Length; i++)
                    run[Site].Row(run.RowsOf(right[i]).Start + questions[at + right[i]].Position).CopyTo(x.Row(i));
                var features = dictionary.Encode(x.AsMatrix(), cancellationToken);
                for (var i = 0; i < right.Length; i++)
                    known.Add(new KnownAnswer(questions[at + right[i]], [.. x.Row(i)], features.Top(i, dictionary.Width)));
            }
            at += batch.Length;
            progress?.Report(at);
        }
        return known;
    }

    /// <summary>f(source) − f(base) of every feature that fires on one of them.</summary>
    public static IEnumerable<FeatureActivation> Differences(InterchangePair pair)
    {
        var differences = pair.Source.Features.ToDictionary(feature => feature.Feature, feature => feature.Value);
        foreach (var (feature, value) in pair.Base.Features)
            differences[feature] = differences.GetValueOrDefault(feature) - value;
        return differences.Select(one => new FeatureActivation(one.Key, one.Value));
    }

    /// <summary>The activation after the interchange, with each feature swapped as far as the mask says.</summary>
    public float[] Swapped(InterchangePair pair, Func<int, double> mask)
    {
        float[] x = [.. pair.Base.X];
        foreach (var (feature, difference) in Differences(pair))
            if (mask(feature) is var part && part != 0)
                TensorPrimitives.MultiplyAdd(Decoder(feature), (float)(part * difference), x, x);
        return x;
    }

    /// <summary>The share of pairs after whose interchange the likeliest next token is the expected one; null without pairs.</summary>
    public double? Accuracy(
        IReadOnlyList<InterchangePair> pairs,
        Func<InterchangePair, float[]> swapped,
        CancellationToken cancellationToken
    )
    {
        if (pairs.Count == 0)
            return null;
        int right = 0,
            at = 0;
        foreach (var batch in TokenText.Batches([.. pairs.Select(pair => new TokenText(pair.Base.Question.Ids, []))]))
        {
            var sequences = new RunSequences([.. batch.Select(text => text.Ids)], null);
            var first = at;
            var edit = Edit.OfAllSequences(
                Site,
                rows =>
                {
                    for (var i = 0; i < batch.Length; i++)
                        swapped(pairs[first + i]).CopyTo(sequences.Rows(rows, i).Row(pairs[first + i].Base.Question.Position));
                }
            );
            using var run = model.Run(
                [.. batch.Select(text => text.Ids)],
                edits: [edit],
                logits: LogitRows.Last,
                cancellationToken: cancellationToken
            );
            for (var i = 0; i < batch.Length; i++)
                right += run.TopNextTokens(1, i)[0].Token == pairs[at + i].Expected ? 1 : 0;
            at += batch.Length;
        }
        return (double)right / pairs.Count;
    }

    /// <summary>The loss −log p(expected) after an interchange and its derivative with respect to the activation at the entity.</summary>
    public (double Loss, float[] Gradient) Loss(InterchangePair pair, float[] swapped, CancellationToken cancellationToken)
    {
        var question = pair.Base.Question;
        using var run = model.RunDifferentiable(
            [.. question.Ids, pair.Expected],
            from: Site,
            edits: [Edit.Set(Site, swapped, Positions.At(question.Position))],
            cancellationToken: cancellationToken
        );
        using var gradients = run.Gradients(
            GradientTarget.CrossEntropyAt([.. Enumerable.Range(0, question.Ids.Length + 1).Select(t => t == question.Ids.Length - 1)]),
            [Site],
            cancellationToken
        );
        return (gradients.Value, [.. gradients[Site].Row(question.Position)]);
    }

    public float[] Decoder(int feature)
    {
        if (_decoder.TryGetValue(feature, out var vector))
            return vector;
        vector = new float[dictionary.OutputWidth];
        dictionary.Decoder(feature, vector);
        return _decoder[feature] = vector;
    }
}

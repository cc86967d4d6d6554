using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// What each feature adds to the logits directly (METHODS §7): its decoder vector as a vector of the residual stream, through the heads'
/// W_O where the
/// site lies before it, times the unscaled embedding table. Of a dictionary with several output sites, contributions of sub-layers add up;
/// of residual streams the
/// last one counts.
/// </summary>
internal sealed class DirectLogits
{
    private const int Bins = ActivationDistribution.Bins;

    /// <summary>Numbers of the block of logits that is held at one time (64 MB).</summary>
    private const long BlockNumbers = 16 << 20;

    private readonly GemmaModel _model;
    private readonly SparseDictionary _dictionary;
    private readonly int _tokens;

    private DirectLogits(GemmaModel model, SparseDictionary dictionary, int tokens) =>
        (_model, _dictionary, _tokens) = (model, dictionary, tokens);

    /// <summary>Features that are computed together.</summary>
    public int BlockFeatures => (int)Math.Max(1, BlockNumbers / _model.Config.VocabularyRows);

    /// <summary>Null where the dictionary's output has no linear way to the residual stream.</summary>
    public static DirectLogits? Of(GemmaModel model, SparseDictionary dictionary, int tokens) =>
        dictionary.HasSites && dictionary.OutputSites.All(site => GemmaModel.ReachesResidual(site.Kind))
            ? new(model, dictionary, tokens)
            : null;

    /// <summary>Effects of the features [first, first + count): plain, or with the final norm's gain.</summary>
    public LogitEffects[] Effects(int first, int count, bool gained)
    {
        using var logits = Logits(first, count, gained);
        var effects = new LogitEffects[count];
        Workers.For(count, new Job(logits.AsMatrix().SliceColumns(0, _model.Config.RealVocabulary), _tokens, effects));
        return effects;
    }

    /// <summary>[count, vocabulary rows].</summary>
    public Tensor Logits(int first, int count, bool gained)
    {
        using var residual = Residual(first, count);
        if (gained)
            _model.ApplyFinalGain(residual.AsMatrix());
        var logits = Tensor.Uninitialized(count, _model.Config.VocabularyRows);
        _model.DirectLogits(residual.AsMatrix(), logits.AsMatrix());
        return logits;
    }

    private Tensor Residual(int first, int count)
    {
        using var decoders = Tensor.Uninitialized(count, _dictionary.OutputWidth);
        for (var i = 0; i < count; i++)
            _dictionary.Decoder(first + i, decoders.Row(i));
        using var part = Tensor.Uninitialized(count, _model.Config.Width);
        var (sum, start) = (Tensor.Zeros(count, _model.Config.Width), 0);
        foreach (var site in _dictionary.OutputSites)
        {
            var width = _model.Config.SiteWidth(site);
            if (!GemmaModel.IsResidual(site.Kind) || site == _dictionary.OutputSites[^1])
            {
                _model.ToResidual(site, decoders.AsMatrix().SliceColumns(start, width), part.AsMatrix());
                System.Numerics.Tensors.TensorPrimitives.Add(sum.AsSpan(), part.AsSpan(), sum.AsSpan());
            }
            start += width;
        }
        return sum;
    }

    private readonly struct Job(MatrixView logits, int tokens, LogitEffects[] effects) : IJob
    {
        public void Run(int index)
        {
            var row = logits.Row(index);
            RankedList top = new(tokens),
                bottom = new(tokens);
            for (var id = 0; id < row.Length; id++)
            {
                top.Offer(id, row[id]);
                bottom.Offer(id, -row[id]);
            }
            double low = -bottom.Values[0],
                high = top.Values[0];
            var bins = new int[Bins];
            // Of equal logits there is no width to divide: all are in the first bin.
            foreach (var value in row)
                bins[high > low ? Math.Min((int)((value - low) * Bins / (high - low)), Bins - 1) : 0]++;
            effects[index] = new(Scores(top, 1), Scores(bottom, -1), (float)low, (float)high, bins);
        }

        private static TokenScore[] Scores(RankedList list, int sign)
        {
            var scores = new TokenScore[list.Count];
            for (var i = 0; i < scores.Length; i++)
                scores[i] = new(list.Indices[i], (float)(sign * list.Values[i]));
            return scores;
        }
    }
}

using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// What a backward pass meets at each write site, as contributions of sources (METHODS §4.5 step 6): a_s ⟨W_dec,s, g⟩ of features,
/// ⟨error, g⟩ with what the layer's own embedding adds, ⟨embedding, g⟩, and the constants that have no node. One position a call,
/// so that each decoder vector is read once for all targets of the batch.
/// </summary>
internal sealed class RowCollector
{
    private readonly ReplacementModel _model;
    private readonly IReadOnlyList<RowTarget> _targets;
    private readonly float[][] _sources;
    private readonly double[] _decoderBias,
        _zeroed;

    public RowCollector(ReplacementModel model, IReadOnlyList<RowTarget> targets)
    {
        (_model, _targets) = (model, targets);
        (_decoderBias, _zeroed) = (new double[targets.Count], new double[targets.Count]);
        var sources = model.Features.Count + (model.Layers + 1) * model.Tokens.Length;
        _sources = [.. targets.Select(_ => new float[sources])];
    }

    /// <summary>A layer's MLP output.</summary>
    public void Layer(int layer, RowLayout layout, MatrixView gradient)
    {
        var constants = new double[layout.Rows];
        Workers.For(_model.Tokens.Length, new LayerJob(this, layer, layout, gradient, constants));
        for (var target = 0; target < layout.Targets; target++)
        for (var position = layout.First(target); position < layout.End(target); position++)
            (position < _model.ZeroPositions ? _zeroed : _decoderBias)[target] += constants[layout.Row(target, position)];
    }

    /// <summary>The embedding.</summary>
    public void Tokens(RowLayout layout, MatrixView gradient)
    {
        var start = _model.Features.Count + _model.Layers * _model.Tokens.Length;
        for (var target = 0; target < layout.Targets; target++)
        for (var position = layout.First(target); position < layout.End(target); position++)
            _sources[target][start + position] = TensorPrimitives.Dot<float>(
                _model.Embeddings.Row(position),
                gradient.Row(layout.Row(target, position))
            );
    }

    public AttributionRow[] Rows() =>
        [.. _targets.Select((target, i) => new AttributionRow(_sources[i], target.Bias, _decoderBias[i], _zeroed[i], target.Value))];

    private readonly struct LayerJob(RowCollector rows, int layer, RowLayout layout, MatrixView gradient, double[] constants) : IJob
    {
        [ThreadStatic]
        private static float[]? t_vector;

        public void Run(int position)
        {
            var model = rows._model;
            var (errors, width) = (model.Features.Count + layer * model.Tokens.Length, gradient.Columns);
            if (t_vector is null || t_vector.Length < width)
                t_vector = new float[width];
            var vector = t_vector.AsSpan(0, width);
            var unexplained = model.Unexplained(layer, position);
            if (position < model.ZeroPositions)
            {
                for (var target = 0; target < layout.Targets; target++)
                    if (layout.Holds(target, position))
                        constants[layout.Row(target, position)] = Dot(target, position, unexplained);
                return;
            }
            for (var target = 0; target < layout.Targets; target++)
            {
                if (!layout.Holds(target, position))
                    continue;
                rows._sources[target][errors + position] = (float)Dot(target, position, unexplained);
                if (model.Transcoders[layer] is { } own)
                    constants[layout.Row(target, position)] = Dot(target, position, own.DecoderBias);
            }
            for (var source = 0; source <= layer; source++)
                if (model.Transcoders[source] is { } transcoder && transcoder.Writes(layer))
                    Features(transcoder, position, vector);
        }

        private void Features(TranscoderLayer transcoder, int position, Span<float> vector)
        {
            var (start, end) = rows._model.FeaturesAt(transcoder.Layer, position);
            for (var feature = start; feature < end; feature++)
            {
                var one = rows._model.Features[feature];
                transcoder.Decoder(layer, one.Feature, vector);
                for (var target = 0; target < layout.Targets; target++)
                    if (layout.Holds(target, position))
                        rows._sources[target][feature] += (float)(one.Activation * Dot(target, position, vector));
            }
        }

        private double Dot(int target, int position, ReadOnlySpan<float> vector) =>
            TensorPrimitives.Dot(vector, gradient.Row(layout.Row(target, position)));
    }
}

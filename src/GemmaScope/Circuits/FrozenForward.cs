using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// What one source becomes on its way up the frozen model: the other direction of <see cref="FrozenBackward"/>, through the residual stream,
/// attention's values and outputs, and skip connections. Only positions from the source's on can see it.
/// </summary>
internal sealed class FrozenForward : IDisposable
{
    private readonly ReplacementModel _model;
    private readonly GemmaConfig _config;
    private readonly GemmaWeights _weights;
    private readonly GraphNode _source;
    private readonly int _end;
    private readonly Workspace _workspace = new();

    /// <param name="model">What is frozen.</param>
    /// <param name="source">A feature, error or token of it.</param>
    /// <param name="end">One past the last position of interest.</param>
    public FrozenForward(ReplacementModel model, GraphNode source, int end) =>
        (_model, _config, _weights, _source, _end) = (model, model.Model.Config, model.Model.Weights, source, end);

    /// <summary>Told of what a layer's heads put out, before they are mixed: [positions from the source's on, heads · head size].</summary>
    public delegate void HeadOutputs(int layer, MatrixView z);

    /// <summary>Follows the source.</summary>
    /// <param name="throughAttention">Whether it passes attention; without, heads of each layer are still told of what reached them.</param>
    /// <param name="layers">How many layers, from the first.</param>
    /// <param name="heads">Told of every layer that it reaches, the first one first.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public void Run(bool throughAttention, int layers, HeadOutputs heads, CancellationToken cancellationToken)
    {
        // Without attention it stays where it is.
        var rows = throughAttention ? _end - _source.Position : 1;
        var residual = _workspace.Buffer("residual", rows, _config.Width);
        Clear(residual);
        if (_source.Kind == GraphNodeKind.Token)
            _model.Embeddings.Row(_source.Position).CopyTo(residual.Row(0));
        for (var layer = Math.Max(0, _source.Layer); layer < layers; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (layer > _source.Layer)
            {
                var z = Heads(layer, residual);
                heads(layer, z);
                if (throughAttention)
                    Attend(layer, z, residual);
                Skip(layer, residual);
            }
            Write(layer, residual.Row(0));
            if (_weights.Layers[layer].Scalar is float scalar)
                Workers.For(residual.Rows, new MultiplyRow(residual, scalar));
        }
    }

    public void Dispose() => _workspace.Dispose();

    /// <summary>What the heads of a layer make of it.</summary>
    private MatrixView Heads(int layer, MatrixView residual)
    {
        var (shape, z) = (_config.Shapes[layer], Buffer("z", _end - _source.Position, _config.QueryWidth(layer)));
        var source = shape.KeyValueSource ?? layer;
        // Values of a layer that others read stay, of which a layer at or below the source has none.
        var v = _workspace.Buffer("v", residual.Rows, shape.KeyValueWidth, _config.IsKeyValueSource(source) ? source + 1 : 0);
        if (source == layer)
            Values(layer, residual, v);
        else if (source <= _source.Layer)
            Clear(v);
        Workers.For(z.Rows, new PatternJob(_config.Heads, shape, _model.Frozen.Pattern(layer), _source.Position, v, z));
        return z;
    }

    private void Values(int layer, MatrixView residual, MatrixView v)
    {
        var w = _weights.Layers[layer];
        var input = Buffer("input", residual.Rows, _config.Width);
        Scale(residual, w.InputGain, _model.Frozen.BeforeAttention[layer], input);
        Compute.Kernels.Multiply(input, w.Value, v, Arithmetic.Exact);
        if (!_config.HasValueNorm)
            return;
        for (var i = 0; i < v.Rows; i++)
            _model.Frozen.NormValues(layer, _source.Position + i, v.Row(i), v.Row(i));
    }

    private void Attend(int layer, MatrixView z, MatrixView residual)
    {
        var w = _weights.Layers[layer];
        var output = Buffer("output", residual.Rows, _config.Width);
        Compute.Kernels.Multiply(z, w.Output, output, Arithmetic.Exact);
        Scale(output, w.PostAttentionGain, _model.Frozen.AfterAttention[layer], output);
        Add(output, residual);
    }

    private void Skip(int layer, MatrixView residual)
    {
        if (_model.Transcoders[layer] is not { Skip: { } skip } transcoder)
            return;
        var (input, output) = (Buffer("input", residual.Rows, _config.Width), Buffer("output", residual.Rows, _config.Width));
        if (transcoder.Input.Kind == SiteKind.ResidMid)
            input = residual;
        else
            Scale(
                residual,
                transcoder.Input.Kind == SiteKind.MlpIn ? _weights.Layers[layer].PreMlpGain : null,
                _model.Frozen.BeforeMlp[layer],
                input
            );
        Compute.Kernels.Multiply(input, skip, output, Arithmetic.Exact);
        Add(output, residual);
    }

    /// <summary>What the source writes into a layer's MLP output.</summary>
    private void Write(int layer, Span<float> residual)
    {
        if (_source.Kind == GraphNodeKind.Error && layer == _source.Layer)
            TensorPrimitives.Add(residual, _model.Unexplained(layer, _source.Position), residual);
        if (_source.Kind != GraphNodeKind.Feature || !_model.Transcoders[_source.Layer]!.Writes(layer))
            return;
        var vector = new float[residual.Length];
        _model.Transcoders[_source.Layer]!.Decoder(layer, _source.Index, vector);
        var activation = _model.Features[_model.Find(_source.Layer, _source.Position, _source.Index)!.Value].Activation;
        TensorPrimitives.MultiplyAdd(vector, activation, residual, residual);
    }

    private void Scale(MatrixView from, float[]? gain, float[] scale, MatrixView to)
    {
        for (var i = 0; i < from.Rows; i++)
        {
            TensorPrimitives.Multiply(from.Row(i), scale[_source.Position + i], to.Row(i));
            if (gain is not null)
                TensorPrimitives.Multiply(to.Row(i), gain, to.Row(i));
        }
    }

    private static void Add(MatrixView rows, MatrixView to)
    {
        for (var i = 0; i < rows.Rows; i++)
            TensorPrimitives.Add(to.Row(i), rows.Row(i), to.Row(i));
    }

    private static void Clear(MatrixView rows)
    {
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).Clear();
    }

    private MatrixView Buffer(string name, int rows, int columns) => _workspace.Buffer(name, rows, columns);

    /// <summary>z of one query, all heads: Σ p v over the keys that hold something.</summary>
    private readonly record struct PatternJob(int Heads, LayerShape Shape, FrozenPattern Pattern, int First, MatrixView V, MatrixView Z)
        : IJob
    {
        public void Run(int index)
        {
            var (query, size, group) = (First + index, Shape.HeadSize, Heads / Shape.KeyValueHeads);
            Z.Row(index).Clear();
            for (var head = 0; head < Heads; head++)
            {
                var z = Z.Row(index).Slice(head * size, size);
                for (var key = Math.Max(First, Pattern.FirstKey(query)); key <= query && key < First + V.Rows; key++)
                    TensorPrimitives.MultiplyAdd(
                        V.Row(key - First).Slice(head / group * size, size),
                        Pattern.Weight(head, query, key),
                        z,
                        z
                    );
            }
        }
    }
}

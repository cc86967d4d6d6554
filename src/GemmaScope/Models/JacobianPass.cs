using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>What a derivative of a later position with respect to an earlier one flows through.</summary>
public enum JacobianPaths
{
    /// <summary>All of it: queries, keys and values.</summary>
    All,

    /// <summary>Only ways that stay at one position.</summary>
    OwnPosition,

    /// <summary>All but queries and keys: attention looks where it looked.</summary>
    FrozenPatterns,
}

/// <summary>
/// The backward pass of one sequence for many output dimensions together: the same steps as <see cref="BackwardPass"/>, as a few large
/// products. Derivatives are asked of positions within one span only, and no position feels a later one, so that nothing is computed
/// outside it. Rows of a batch: output dimension by output dimension, each with the positions of the span.
/// </summary>
internal sealed class JacobianPass : IDisposable
{
    /// <summary>Rows of a product: enough for the kernels, few enough for the caches.</summary>
    private const int MostRows = 1024;

    private readonly GemmaConfig _config;
    private readonly GemmaWeights _weights;
    private readonly RotaryTables _rotary;
    private readonly Workspace _workspace;
    private readonly SavedActivations _saved;
    private readonly JacobianPaths _paths;
    private readonly Arithmetic _arithmetic;
    private readonly int _target,
        _lowest,
        _first,
        _span;

    /// <summary>Runs a sequence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rotary">Its rotary tables.</param>
    /// <param name="workspace">Buffers, kept from sequence to sequence.</param>
    /// <param name="tokens">The sequence.</param>
    /// <param name="target">The block whose output is differentiated.</param>
    /// <param name="lowest">The first block whose output it is differentiated by.</param>
    /// <param name="span">The positions: first and number.</param>
    /// <param name="paths">What derivatives flow through.</param>
    /// <param name="arithmetic">Forward and back.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public JacobianPass(
        GemmaModel model,
        RotaryTables rotary,
        Workspace workspace,
        int[] tokens,
        int target,
        int lowest,
        (int First, int Count) span,
        JacobianPaths paths,
        Arithmetic arithmetic,
        CancellationToken cancellationToken
    )
    {
        if (model.Config.Experts is not null)
            throw new ArgumentProblemException("derivatives of many outputs at once are not carried through experts", "model");
        (_config, _weights, _workspace, _paths, _arithmetic) = (model.Config, model.Weights, workspace, paths, arithmetic);
        _rotary = rotary;
        (_target, _lowest, _first, _span) = (target, lowest, span.First, span.Count);
        _saved = new SavedActivations(
            model,
            // Nothing after the span is felt within it.
            tokens[..(_first + _span)],
            GradientMode.Full,
            [],
            Site.ResidPost(lowest),
            Site.ResidPost(target),
            [],
            arithmetic,
            cancellationToken
        );
        Batch = Math.Clamp(MostRows / _span, 1, _config.Width);
    }

    /// <summary>Output dimensions that go together.</summary>
    public int Batch { get; }

    /// <summary>Told of the gradient at a block's output: [outputs · span, d].</summary>
    public delegate void Reached(int layer, MatrixView gradient);

    /// <summary>Carries some output dimensions back, each from all positions of the span at once.</summary>
    /// <param name="firstOutput">The first dimension.</param>
    /// <param name="outputs">How many, at most <see cref="Batch"/>.</param>
    /// <param name="reached">Told of each block but the target, the last first.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public void Run(int firstOutput, int outputs, Reached reached, CancellationToken cancellationToken)
    {
        var rows = outputs * _span;
        var residual = Buffer("residual", rows, _config.Width);
        for (var row = 0; row < rows; row++)
        {
            residual.Row(row).Clear();
            residual.Row(row)[firstOutput + row / _span] = 1;
        }
        foreach (var (keys, values) in Enumerable.Range(0, _config.Layers).Where(_config.IsKeyValueSource).Select(one => Shared(one, rows)))
        {
            Clear(keys);
            Clear(values);
        }
        for (var layer = _target; ; layer--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (layer < _target)
                reached(layer, residual);
            if (layer == _lowest)
                return;
            if (_weights.Layers[layer].Scalar is float scalar)
                Workers.For(rows, new MultiplyRow(residual, scalar));
            if (_weights.Layers[layer].PerLayer is { } perLayer)
                PerLayer(layer, perLayer, residual);
            Mlp(layer, residual);
            Attention(layer, residual);
        }
    }

    public void Dispose() => _saved.Dispose();

    /// <summary>residual += gradient through post_norm(mlp(norm(·))).</summary>
    private void Mlp(int layer, MatrixView residual)
    {
        var w = _weights.Layers[layer];
        var (rows, width) = (residual.Rows, _config.Shapes[layer].MlpWidth);
        var branch = Buffer("branch", rows, _config.Width);
        Norm(SiteKind.MlpOutRaw, layer, w.PostMlpGain, residual, branch, add: false);
        var (gate, up) = (Buffer("gate", rows, width), Buffer("up", rows, width));
        Multiply(branch, w.Down, gate);
        // The slopes are the same for all outputs: they are taken once a batch.
        var (slope, value) = (Buffer("slope", _span, width), Buffer("value", _span, width));
        Workers.For(_span, new SlopeRow(Saved(SiteKind.MlpGatePre, layer), Saved(SiteKind.MlpUp, layer), slope, value));
        Workers.For(rows, new GateRows(slope, value, gate, up));
        var input = Buffer("input", rows, _config.Width);
        Multiply(gate, w.Gate, input);
        AddProduct(up, w.Up, input);
        Norm(SiteKind.ResidMid, layer, w.PreMlpGain, input, residual, add: true);
    }

    /// <summary>residual += gradient through post_norm(attention(norm(·))).</summary>
    private void Attention(int layer, MatrixView residual)
    {
        var w = _weights.Layers[layer];
        var rows = residual.Rows;
        var branch = Buffer("branch", rows, _config.Width);
        Norm(SiteKind.AttnOutRaw, layer, w.PostAttentionGain, residual, branch, add: false);
        var shape = _config.Shapes[layer];
        var z = Buffer("z", rows, _config.QueryWidth(layer));
        Multiply(branch, w.Output, z);

        var (q, k, v) = (
            Buffer("q", rows, _config.QueryWidth(layer)),
            Buffer("k", rows, shape.KeyValueWidth),
            Buffer("v", rows, shape.KeyValueWidth)
        );
        var full = _paths != JacobianPaths.FrozenPatterns;
        Workers.For(
            rows / _span * shape.KeyValueHeads,
            new JacobianAttention(_config, layer, _saved, _first, _span, full, _paths == JacobianPaths.OwnPosition, z, q, k, v)
        );
        var input = Buffer("input", rows, _config.Width);
        Clear(input);
        if (full)
        {
            Heads(q, SiteKind.Q, w.QueryGain, layer);
            AddProduct(q, w.Query, input);
        }
        KeysAndValues(layer, k, v, full, input);
        Norm(SiteKind.ResidPre, layer, w.InputGain, input, residual, add: true);
    }

    /// <summary>input += gradient through keys and values, with what later layers that read them have left; those of another layer are left
    /// for it.</summary>
    private void KeysAndValues(int layer, MatrixView k, MatrixView v, bool full, MatrixView input)
    {
        var (w, shape) = (_weights.Layers[layer], _config.Shapes[layer]);
        var source = shape.KeyValueSource ?? layer;
        if (_config.IsKeyValueSource(source))
        {
            var (keys, values) = Shared(source, k.Rows);
            if (full)
                Workers.For(k.Rows, new AddRow(k, keys));
            Workers.For(v.Rows, new AddRow(v, values));
            (k, v) = (keys, values);
        }
        if (source != layer)
            return;
        if (_config.HasValueNorm)
            Workers.For(v.Rows, new ValueRows(Saved(SiteKind.V, layer), shape.HeadSize, _config.NormEpsilon, v));
        if (full)
        {
            Heads(k, SiteKind.K, w.KeyGain, layer);
            AddProduct(k, w.Key, input);
        }
        AddProduct(v, w.Value, input);
    }

    /// <summary>residual += gradient through post_norm(projection(gelu(gate(·)) ∘ inputs)), whose inputs no layer changes.</summary>
    private void PerLayer(int layer, LayerEmbeddingWeights w, MatrixView residual)
    {
        var (rows, width) = (residual.Rows, w.Gate.Outputs);
        var (branch, gate, up) = (Buffer("branch", rows, _config.Width), Buffer("gate", rows, width), Buffer("up", rows, width));
        Norm(SiteKind.PleOutRaw, layer, w.PostGain, residual, branch, add: false);
        Multiply(branch, w.Projection, gate);
        var inputs = _saved.Rows(new Site(SiteKind.PleInputs)).SliceColumns(layer * width, width).SliceRows(_first, _span);
        var (slope, value) = (Buffer("slope", _span, width), Buffer("value", _span, width));
        Workers.For(_span, new SlopeRow(Saved(SiteKind.PleGatePre, layer), inputs, slope, value));
        Workers.For(rows, new GateRows(slope, value, gate, up));
        AddProduct(gate, w.Gate, residual);
    }

    /// <summary>Queries or keys after RoPE → before RoPE and, but for Gemma 2, before their norm.</summary>
    private void Heads(MatrixView gradient, SiteKind projected, float[]? gain, int layer)
    {
        var table = _rotary.Of(layer).Rows(_first + _span);
        MatrixView? normed = gain is null ? null : Saved(projected, layer);
        var rows = table.AsMatrix().SliceRows(_first, _span);
        Workers.For(gradient.Rows, new HeadRows(rows, normed, gain, _config.Shapes[layer].HeadSize, _config.NormEpsilon, gradient));
        GC.KeepAlive(table);
    }

    /// <summary>What is known so far of the gradients at the keys and values of a layer that others read.</summary>
    private (MatrixView Keys, MatrixView Values) Shared(int layer, int rows)
    {
        var width = _config.Shapes[layer].KeyValueWidth;
        return (_workspace.Buffer("jacobian k", rows, width, layer + 1), _workspace.Buffer("jacobian v", rows, width, layer + 1));
    }

    private void AddProduct(MatrixView output, WeightView matrix, MatrixView input)
    {
        var product = Buffer("product", output.Rows, input.Columns);
        Multiply(output, matrix, product);
        Workers.For(output.Rows, new AddRow(product, input));
    }

    private static void Clear(MatrixView rows)
    {
        for (var row = 0; row < rows.Rows; row++)
            rows.Row(row).Clear();
    }

    /// <summary>Gradient at a norm's gained output → at its input, which is written or added to.</summary>
    private void Norm(SiteKind input, int layer, float[] gain, MatrixView gradient, MatrixView result, bool add)
    {
        var (bare, scale) = (Buffer("bare", _span, _config.Width), Buffer("scale", _span, 1));
        Workers.For(_span, new BareRow(Saved(input, layer), _config.NormEpsilon, bare, scale));
        Workers.For(gradient.Rows, new NormRows(bare, scale, gain, gradient, result, add));
    }

    private MatrixView Saved(SiteKind kind, int layer) => _saved.Rows(new Site(kind, layer)).SliceRows(_first, _span);

    private void Multiply(MatrixView output, WeightView matrix, MatrixView input) =>
        Compute.Kernels.Multiply(output, matrix.Transposed, input, _arithmetic);

    private MatrixView Buffer(string name, int rows, int columns) => _workspace.Buffer($"jacobian {name}", rows, columns);
}

using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The frozen backward pass (METHODS §4.5 steps 2, 3, 6) of many targets at once, written out: the residual stream, attention's values and
/// outputs, and skip connections; every norm only scales. Products of all targets and positions are one product of the dense kernels.
/// </summary>
internal sealed class FrozenBackward : IDisposable
{
    private readonly ReplacementModel _model;
    private readonly GemmaConfig _config;
    private readonly GemmaWeights _weights;
    private readonly Workspace _workspace = new();
    private readonly long _mostBytes;

    /// <param name="model">What is frozen.</param>
    /// <param name="mostBytes">About how much memory a batch may take.</param>
    public FrozenBackward(ReplacementModel model, long mostBytes)
    {
        (_model, _config, _weights, _mostBytes) = (model, model.Model.Config, model.Model.Weights, mostBytes);
    }

    /// <summary>How many targets go together.</summary>
    public int BatchSize
    {
        get
        {
            // Two residuals, the branch out of attention and the one into it, z and v.
            var perPosition =
                4L * _config.Width + _config.Shapes.Max(shape => (long)(_config.Heads + shape.KeyValueHeads) * shape.HeadSize);
            var sources = _model.Features.Count + (long)(_config.Layers + 1) * _model.Tokens.Length;
            var perTarget = sizeof(float) * (perPosition * _model.Tokens.Length + sources);
            return (int)Math.Clamp(_mostBytes / perTarget, 1, 512);
        }
    }

    /// <summary>Told of the gradient at the outputs of a layer's heads, before they are mixed: [rows, heads · head size].</summary>
    public delegate void HeadGradients(int layer, RowLayout layout, MatrixView z);

    /// <summary>The rows of a batch of targets.</summary>
    /// <param name="targets">The targets.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <param name="throughAttention">Whether gradients pass attention; without, they follow the residual stream and skip connections
    /// alone.</param>
    /// <param name="heads">Told of every layer, the last first; null for nobody.</param>
    public AttributionRow[] Rows(
        IReadOnlyList<RowTarget> targets,
        CancellationToken cancellationToken,
        bool throughAttention = true,
        HeadGradients? heads = null
    )
    {
        _model.Model.RequireWhole();
        _model.Transcoders.RequireWhole();
        var plan = RowLayout.Plan(_model, targets, throughAttention);
        var collected = new RowCollector(_model, targets);
        var gradient = Buffer("residual 0", plan[^1].Rows, _config.Width);
        Clear(gradient);
        FinalNorm(targets, plan[^1], gradient);
        foreach (var layer in Enumerable.Range(0, _config.Layers).Where(_config.IsKeyValueSource))
            Clear(SharedValues(layer, plan[layer]));
        for (var layer = _config.Layers - 1; layer >= 0; layer--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (above, below) = (plan[layer + 1], plan[layer]);
            var next = Buffer($"residual {(_config.Layers - layer) % 2}", below.Rows, _config.Width);
            if (above.Rows > 0)
                Mlp(layer, targets, above, gradient, collected);
            // A target may read what enters attention, with nothing above.
            if (below.Rows > 0)
                Attention(layer, targets, above, gradient, plan, next, throughAttention, heads);
            Inject(new Site(SiteKind.ResidPre, layer), targets, below, (row, vector, _) => Add(next.Row(row), vector));
            gradient = next;
        }
        Inject(Site.Embed, targets, plan[0], (row, vector, _) => Add(gradient.Row(row), vector));
        collected.Tokens(plan[0], gradient);
        return collected.Rows();
    }

    public void Dispose() => _workspace.Dispose();

    private void FinalNorm(IReadOnlyList<RowTarget> targets, RowLayout layout, MatrixView gradient)
    {
        Inject(
            new Site(SiteKind.FinalNormOut),
            targets,
            layout,
            (row, vector, position) => AddScaled(gradient.Row(row), vector, _weights.FinalGain, _model.Frozen.Final[position])
        );
        Inject(
            new Site(SiteKind.LnFinalNormalized),
            targets,
            layout,
            (row, vector, position) => AddScaled(gradient.Row(row), vector, null, _model.Frozen.Final[position])
        );
    }

    /// <summary>The write site and the input site of one layer's MLP; its output is a constant but for the skip connection.</summary>
    private void Mlp(int layer, IReadOnlyList<RowTarget> targets, RowLayout layout, MatrixView gradient, RowCollector collected)
    {
        var (gain, scale) = (_weights.Layers[layer].PreMlpGain, _model.Frozen.BeforeMlp[layer]);
        Inject(Site.ResidPost(layer), targets, layout, (row, vector, _) => Add(gradient.Row(row), vector));
        if (_weights.Layers[layer].Scalar is float scalar)
            Workers.For(gradient.Rows, new MultiplyRow(gradient, scalar));
        var written = Written(layer, targets, layout, gradient);
        collected.Layer(layer, layout, written);
        if (_model.Transcoders[layer] is { Skip: { } skip } transcoder)
        {
            var input = Buffer("input", layout.Rows, _config.Width);
            Compute.Kernels.Multiply(written, skip.Transposed, input, Arithmetic.Exact);
            Workers.For(layout.Pieces.Length, new ThroughSkip(layout, transcoder.Input.Kind, input, gain, scale, gradient));
        }
        Inject(Site.MlpIn(layer), targets, layout, (row, vector, position) => AddScaled(gradient.Row(row), vector, gain, scale[position]));
        Inject(
            new Site(SiteKind.Ln2Normalized, layer),
            targets,
            layout,
            (row, vector, position) => AddScaled(gradient.Row(row), vector, null, scale[position])
        );
        Inject(Site.ResidMid(layer), targets, layout, (row, vector, _) => Add(gradient.Row(row), vector));
    }

    /// <summary>The gradient at mlp_out: the residual's, and what targets read there, which goes no further up.</summary>
    private MatrixView Written(int layer, IReadOnlyList<RowTarget> targets, RowLayout layout, MatrixView gradient)
    {
        var site = Site.MlpOut(layer);
        if (!targets.Any(target => target.Injections.Any(one => one.Site == site)))
            return gradient;
        var written = Buffer("written", gradient.Rows, gradient.Columns);
        for (var i = 0; i < gradient.Rows; i++)
            gradient.Row(i).CopyTo(written.Row(i));
        Inject(site, targets, layout, (row, vector, _) => Add(written.Row(row), vector));
        return written;
    }

    /// <summary>next = gradient, spread over the positions of the layout below, + what comes back through attention's values.</summary>
    private void Attention(
        int layer,
        IReadOnlyList<RowTarget> targets,
        RowLayout above,
        MatrixView gradient,
        RowLayout[] plan,
        MatrixView next,
        bool throughAttention,
        HeadGradients? heads
    )
    {
        var (w, below) = (_weights.Layers[layer], plan[layer]);
        var (gain, scale) = (w.PostAttentionGain, _model.Frozen.AfterAttention[layer]);
        var output = Buffer("branch", above.Rows, _config.Width);
        Workers.For(above.Pieces.Length, new ScaleRows(above, gain, scale, gradient, output));
        Inject(
            new Site(SiteKind.AttnOut, layer),
            targets,
            above,
            (row, vector, position) => AddScaled(output.Row(row), vector, gain, scale[position])
        );
        var z = Buffer("z", above.Rows, _config.QueryWidth(layer));
        if (above.Rows > 0)
            Compute.Kernels.Multiply(output, w.Output.Transposed, z, Arithmetic.Exact);
        heads?.Invoke(layer, above, z);

        var input = Buffer("input", below.Rows, _config.Width);
        Clear(input);
        if (throughAttention)
            Values(layer, above, z, plan, input);
        Inject(new Site(SiteKind.AttnIn, layer), targets, below, (row, vector, _) => Add(input.Row(row), vector));
        Workers.For(below.Pieces.Length, new ScaleRows(below, w.InputGain, _model.Frozen.BeforeAttention[layer], input, input));
        Inject(
            new Site(SiteKind.Ln1Normalized, layer),
            targets,
            below,
            (row, vector, position) => AddScaled(input.Row(row), vector, null, _model.Frozen.BeforeAttention[layer][position])
        );
        Workers.For(below.Pieces.Length, new SpreadRows(above, gradient, below, input, next));
    }

    /// <summary>input = what comes back through the values that the layer makes, later layers that read them included; what it reads of an
    /// earlier one's is left for that layer.</summary>
    private void Values(int layer, RowLayout above, MatrixView z, RowLayout[] plan, MatrixView input)
    {
        var (shape, below) = (_config.Shapes[layer], plan[layer]);
        var source = shape.KeyValueSource ?? layer;
        var v = Buffer("v", below.Rows, shape.KeyValueWidth);
        Workers.For(
            below.Targets * shape.KeyValueHeads,
            new ValuesJob(shape, _config.GroupSize(layer), _model.Frozen.Pattern(layer), above, z, below, v)
        );
        if (_config.IsKeyValueSource(source))
        {
            var shared = SharedValues(source, plan[source]);
            Workers.For(below.Pieces.Length, new AddPositions(below, v, plan[source], shared));
            v = shared;
        }
        if (source != layer)
            return;
        if (_config.HasValueNorm)
            Workers.For(below.Pieces.Length, new NormValues(_model.Frozen, layer, below, v));
        Compute.Kernels.Multiply(v, _weights.Layers[layer].Value.Transposed, input, Arithmetic.Exact);
    }

    /// <summary>What is known so far of the gradients at the values of a layer that others read.</summary>
    private MatrixView SharedValues(int layer, RowLayout layout) =>
        _workspace.Buffer("v", layout.Rows, _config.Shapes[layer].KeyValueWidth, layer + 1);

    private delegate void Inlet(int row, float[] vector, int position);

    private static void Inject(Site site, IReadOnlyList<RowTarget> targets, RowLayout layout, Inlet add)
    {
        for (var target = 0; target < targets.Count; target++)
            foreach (var one in targets[target].Injections)
                if (one.Site == site)
                    add(layout.Row(target, one.Position), one.Vector, one.Position);
    }

    private static void Add(Span<float> row, float[] vector) => TensorPrimitives.Add(row, vector, row);

    private static void AddScaled(Span<float> row, float[] vector, float[]? gain, float scale)
    {
        for (var i = 0; i < row.Length; i++)
            row[i] += vector[i] * scale * (gain?[i] ?? 1);
    }

    private MatrixView Buffer(string name, int rows, int columns) => _workspace.Buffer(name, rows, columns);

    private static void Clear(MatrixView rows)
    {
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).Clear();
    }
}

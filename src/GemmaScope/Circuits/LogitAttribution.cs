using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// Direct logit attribution: what each component adds to the logit of a token, or to its lead over another, by the residual stream alone.
/// The norms behind attention and MLPs are part of what is added, the final norm's denominator is a constant, and a final soft cap is
/// replaced by the straight line that touches it at this logit. The parts then add up to the model's own logit. Factors at the ends of layers
/// (Gemma 4) are part of the way.
/// </summary>
public sealed class LogitAttribution
{
    private readonly GemmaModel _model;
    private readonly LogitReading _reading;
    private readonly float[] _direction;
    private readonly float[][] _directions;
    private double _atZero;

    private LogitAttribution(
        GemmaModel model,
        int[] tokens,
        int token,
        int? other,
        int? position,
        TranscoderSet? set,
        CancellationToken stop
    )
    {
        (_model, Token, Other, Position) = (model, token, other, position ?? tokens.Length - 1);
        if (Position < 0 || Position >= tokens.Length)
            throw new ArgumentProblemException($"position {Position} is outside the prompt of {tokens.Length} tokens", "position");
        foreach (var one in other is { } second ? (int[])[token, second] : [token])
            if (one < 0 || one >= model.Config.VocabularyRows)
                throw new ArgumentProblemException($"{one} is outside the model's vocabulary of {model.Config.VocabularyRows}", "token");
        _reading = LogitReading.Of(model, tokens, Position, set, stop);
        _direction = new float[model.Config.Width];
        Add(token, 1);
        if (other is { } subtracted)
            Add(subtracted, -1);
        for (var i = 0; i < _direction.Length; i++)
            _direction[i] *= model.Weights.FinalGain[i] * _reading.Final;
        if (!double.IsFinite(Value) || !_direction.All(float.IsFinite))
            throw new ArgumentProblemException("the logit is not finite; weights of the model are damaged", "model");
        _directions = new float[Layers][];
        for (var layer = Layers - 1; layer >= 0; layer--)
        {
            var above = layer == Layers - 1 ? _direction : _directions[layer + 1];
            _directions[layer] = model.Weights.Layers[layer].Scalar is float scalar ? Array.ConvertAll(above, one => one * scalar) : above;
        }
    }

    /// <summary>The token.</summary>
    public int Token { get; }

    /// <summary>The token that it is compared with, or null.</summary>
    public int? Other { get; }

    /// <summary>The position whose next token is predicted.</summary>
    public int Position { get; }

    /// <summary>The model's logit after the final cap, or the difference of two.</summary>
    public double Value { get; private set; }

    /// <summary>The same before the cap; equal where the model has none.</summary>
    public double BeforeCap { get; private set; }

    /// <summary>By how much the token's logit grows with the one before the cap, at this point: 1 where the model has no cap.</summary>
    public double CapSlope { get; private set; } = 1;

    /// <summary>The embedding, the attention output and MLP output of every layer, and what the soft cap adds if there is one.</summary>
    public IReadOnlyList<LogitPart> Components { get; private set; } = [];

    /// <summary>The same in the smallest parts: single heads, and where transcoders are given features, errors, biases and skip connections
    /// in place of MLPs.</summary>
    public IReadOnlyList<LogitPart> Parts { get; private set; } = [];

    /// <summary>How far the parts, or the components, are from adding up to <see cref="Value"/>.</summary>
    public double Error => new[] { Components, Parts }.Max(parts => Math.Abs(parts.Sum(part => part.Value) - Value));

    /// <summary>Takes a logit apart into embedding, heads and MLPs.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="token">The token whose logit it is.</param>
    /// <param name="other">A token whose logit is subtracted; null for none.</param>
    /// <param name="position">The position that predicts it; null for the last.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A token or position does not exist, or the logit is not finite.</exception>
    public static LogitAttribution Of(
        GemmaModel model,
        int[] tokens,
        int token,
        int? other = null,
        int? position = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        var made = new LogitAttribution(model, tokens, token, other, position, null, cancellationToken);
        return made.With(made.Mlps());
    }

    /// <summary>Takes a logit apart into embedding, heads, features, errors, biases and skip connections.</summary>
    /// <param name="model">The prompt with its features.</param>
    /// <param name="token">The token whose logit it is.</param>
    /// <param name="other">A token whose logit is subtracted; null for none.</param>
    /// <param name="position">The position that predicts it; null for the last.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A token or position does not exist, or the logit is not finite.</exception>
    public static LogitAttribution Of(
        ReplacementModel model,
        int token,
        int? other = null,
        int? position = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Transcoders.RequireWhole();
        var made = new LogitAttribution(model.Model, model.Tokens, token, other, position, model.Transcoders, cancellationToken);
        return made.With(made.Replaced(model));
    }

    private int Layers => _model.Config.Layers;

    /// <summary>Adds a token's logit with a sign: to the value, to the line that stands for the cap, and to the direction.</summary>
    private void Add(int token, int sign)
    {
        double before = _reading.BeforeCap[token],
            value = _reading.Logits[token];
        // d/dx cap tanh(x / cap) = 1 − tanh².
        var slope = _model.Config.FinalCap is { } cap ? 1 - value / cap * (value / cap) : 1;
        (Value, BeforeCap) = (Value + sign * value, BeforeCap + sign * before);
        if (sign > 0)
            CapSlope = slope;
        _atZero += sign * (value - slope * before);
        using var workspace = new Workspace();
        var row = new float[_direction.Length];
        new Unembedding(_model.Config, _model.Weights.Embedding, workspace, Arithmetic.Exact).Row(token, row);
        TensorPrimitives.MultiplyAdd(row, (float)(sign * slope), _direction, _direction);
    }

    private LogitAttribution With(IEnumerable<LogitPart> insteadOfMlps)
    {
        LogitPart[] embedding = [new(LogitPartKind.Embedding, -1, -1, Dot(_reading.Embedding, _directions[0]))],
            cap = _model.Config.FinalCap is null ? [] : [new(LogitPartKind.SoftCap, Layers, -1, _atZero)];
        var attention = Enumerable.Range(0, Layers).Select(AttentionOf);
        LogitPart[] own =
        [
            .. Enumerable
                .Range(0, _model.Config.PerLayer is null ? 0 : Layers)
                .Select(layer => new LogitPart(LogitPartKind.LayerEmbedding, layer, -1, Dot(_reading.Embedded[layer], _directions[layer]))),
        ];
        Components = [.. embedding, .. attention.Concat(Mlps()).Concat(own).OrderBy(part => part.Layer), .. cap];
        Parts =
        [
            .. embedding,
            .. Enumerable.Range(0, Layers).SelectMany(HeadsOf).Concat(insteadOfMlps).Concat(own).OrderBy(part => part.Layer),
            .. cap,
        ];
        return this;
    }

    private LogitPart AttentionOf(int layer) => new(LogitPartKind.Attention, layer, -1, Dot(_reading.Attention[layer], _directions[layer]));

    private IEnumerable<LogitPart> Mlps() =>
        Enumerable
            .Range(0, Layers)
            .Select(layer => new LogitPart(LogitPartKind.Mlp, layer, -1, Dot(_reading.Mlp[layer], _directions[layer])));

    /// <summary>Heads meet the norm behind attention together; with its denominator as a constant each has its own part.</summary>
    private IEnumerable<LogitPart> HeadsOf(int layer)
    {
        var (weights, size) = (_model.Weights.Layers[layer], _model.Config.Shapes[layer].HeadSize);
        using var output = Tensor.Uninitialized(1, _direction.Length);
        using var z = Tensor.Uninitialized(1, _reading.Heads[layer].Length);
        TensorPrimitives.Multiply(_directions[layer], weights.PostAttentionGain, output.AsSpan());
        TensorPrimitives.Multiply(output.AsSpan(), _reading.AfterAttention[layer], output.AsSpan());
        Compute.Kernels.Multiply(output.AsMatrix(), weights.Output.Transposed, z.AsMatrix(), Arithmetic.Exact);
        var parts = new LogitPart[_model.Config.Heads];
        var read = z.AsSpan();
        for (var head = 0; head < parts.Length; head++)
            parts[head] = new(
                LogitPartKind.Head,
                layer,
                head,
                Dot(_reading.Heads[layer].AsSpan(head * size, size), read.Slice(head * size, size))
            );
        return parts;
    }

    private List<LogitPart> Replaced(ReplacementModel model)
    {
        var (parts, vector) = (new List<LogitPart>(), new float[_direction.Length]);
        var constant = Position < model.ZeroPositions;
        for (var layer = 0; layer < Layers; layer++)
        {
            if (model.Transcoders[layer] is { Skip: { } skip })
                parts.Add(new(LogitPartKind.Skip, layer, -1, Through(skip, _reading.MlpInput[layer], _directions[layer])));
            if (constant)
            {
                parts.Add(new(LogitPartKind.Constant, layer, -1, Dot(model.Zeroed(layer, Position), _directions[layer])));
                continue;
            }
            parts.Add(new(LogitPartKind.Error, layer, -1, Dot(model.Error(layer, Position), _directions[layer])));
            if (model.Transcoders[layer] is not { } transcoder)
                continue;
            parts.Add(new(LogitPartKind.Bias, layer, -1, Dot(transcoder.DecoderBias, _directions[layer])));
            var (start, end) = model.FeaturesAt(layer, Position);
            for (var i = start; i < end; i++)
                parts.Add(new(LogitPartKind.Feature, layer, model.Features[i].Feature, Written(transcoder, model.Features[i], vector)));
        }
        return parts;
    }

    /// <summary>What a feature writes at its own and later layers.</summary>
    private double Written(TranscoderLayer transcoder, ActiveFeature feature, float[] vector)
    {
        double sum = 0;
        for (var layer = feature.Layer; layer < Layers; layer++)
            if (transcoder.Writes(layer))
            {
                transcoder.Decoder(layer, feature.Feature, vector);
                sum += Dot(vector, _directions[layer]);
            }
        return feature.Activation * sum;
    }

    private double Through(WeightView skip, float[] input, float[] direction)
    {
        using var x = Tensor.Uninitialized(1, input.Length);
        using var y = Tensor.Uninitialized(1, _direction.Length);
        input.CopyTo(x.AsSpan());
        Compute.Kernels.Multiply(x.AsMatrix(), skip, y.AsMatrix(), Arithmetic.Exact);
        return Dot(y.AsSpan(), direction);
    }

    /// <summary>In f64: parts are often much larger than their sum.</summary>
    private static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (var i = 0; i < x.Length; i++)
            sum += (double)x[i] * y[i];
        return sum;
    }
}

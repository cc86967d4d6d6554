using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The features that read one layer's MLP input, in the one form that circuits need (METHODS §4.2, §4.4): z = x · w + b with vectors on the
/// scale of the model's own activations, and a decoder vector towards every layer they write.
/// </summary>
internal sealed class TranscoderLayer
{
    private readonly FeatureEncoder _encoder;
    private readonly DecoderRows?[] _decoders;
    private readonly float _scale;
    private readonly float[]? _subtracted;

    private TranscoderLayer(
        int layer,
        Site input,
        FeatureEncoder encoder,
        DecoderRows?[] decoders,
        WeightView? skip,
        float[] bias,
        float scale = 1,
        float[]? subtracted = null
    )
    {
        (Layer, Input, _encoder, _decoders, Skip, _scale, _subtracted) = (layer, input, encoder, decoders, skip, scale, subtracted);
        DecoderBias = scale == 1 ? bias : Array.ConvertAll(bias, value => value / scale);
    }

    /// <summary>The layer it reads.</summary>
    public int Layer { get; }

    /// <summary>Where it reads: bare, gained or before the norm.</summary>
    public Site Input { get; }

    /// <summary>Number of features.</summary>
    public int Features => _encoder.Features;

    /// <summary>Numbers it reads and writes a token, d.</summary>
    public int Width => _encoder.Inputs;

    /// <summary>The linear path from input to the output of the same layer, or null.</summary>
    public WeightView? Skip { get; }

    /// <summary>b_dec of the layer as a target, [d].</summary>
    public float[] DecoderBias { get; }

    /// <summary>One layer of a set of single-layer transcoders.</summary>
    /// <exception cref="ArgumentProblemException">Its rows are scaled one by one, so that it is not affine in its input.</exception>
    public static TranscoderLayer Of(LayerDictionary dictionary, int layers)
    {
        var (weights, layer) = (dictionary.Weights, dictionary.InputSite.Layer!.Value);
        if (weights.Scaling.Factor is not { } scale)
            throw new ArgumentProblemException(
                "scales each row by its own size, so that what reaches a feature is no sum of contributions",
                dictionary.Name
            );
        var decoders = new DecoderRows?[layers];
        decoders[layer] = weights.Decoder;
        return new(
            layer,
            dictionary.InputSite,
            weights.Encoder,
            decoders,
            weights.Skip,
            weights.Bias,
            scale,
            weights.SubtractsBias ? weights.Bias : null
        );
    }

    /// <summary>One block of a cross-layer transcoder.</summary>
    public static TranscoderLayer Of(MultiLayerDictionary dictionary, int block)
    {
        var one = dictionary.Blocks[block];
        return new(block, dictionary.InputSites[block], one.Encoder, one.Decoders, one.Skip, one.Bias);
    }

    /// <summary>Whether its features write a layer.</summary>
    public bool Writes(int target) => _decoders[target] is not null;

    /// <summary>The last layer its features write.</summary>
    public int LastTarget => Array.FindLastIndex(_decoders, one => one is not null);

    /// <summary>The features of each row of x [rows, d], by index within the layer.</summary>
    public SparseActivations Encode(MatrixView x, CancellationToken cancellationToken)
    {
        var rows = new FeatureRows(x.Rows, Features);
        using var prepared = Prepared(x);
        _encoder.Encode(prepared?.AsMatrix() ?? x, 0, rows, cancellationToken);
        return rows.ToActivations();
    }

    /// <summary>Reads the activations of a few features.</summary>
    public FeatureReadout Readout(int[] features) => new(_encoder, _scale, _subtracted, x => Encode(x, default), features);

    /// <summary>z of every feature, [rows, features], before any threshold; of a gated transcoder the magnitude.</summary>
    public Tensor PreActivations(MatrixView x)
    {
        var z = Tensor.Uninitialized(x.Rows, Features);
        using var prepared = Prepared(x);
        Compute.Kernels.Multiply(prepared?.AsMatrix() ?? x, _encoder.Weights, z.AsMatrix(), Arithmetic.Exact);
        for (var row = 0; row < x.Rows; row++)
        for (var feature = 0; feature < Features; feature++)
        {
            var (factor, bias) = Affine(feature);
            z.Row(row)[feature] = z.Row(row)[feature] * factor + bias;
        }
        return z;
    }

    /// <summary>w and b with z = x · w + b.</summary>
    /// <param name="feature">Index within the layer.</param>
    /// <param name="vector">Overwritten by w, [d].</param>
    /// <returns>b.</returns>
    public float Encoder(int feature, Span<float> vector)
    {
        var (factor, bias) = Affine(feature);
        _encoder.Read(feature, vector);
        if (factor != 1)
            TensorPrimitives.Multiply(vector, factor, vector);
        // W (s x − b_dec) = (s W) x − W b_dec.
        if (_subtracted is not null)
            bias -= TensorPrimitives.Dot<float>(vector, _subtracted);
        if (_scale != 1)
            TensorPrimitives.Multiply(vector, _scale, vector);
        return bias;
    }

    /// <summary>Writes the decoder vector of a feature towards a layer that it writes, [d].</summary>
    public void Decoder(int target, int feature, Span<float> vector)
    {
        _decoders[target]!.Read(feature, vector);
        if (_scale != 1)
            TensorPrimitives.Divide(vector, _scale, vector);
    }

    /// <summary>y += what features stand for at a layer they write, for y and features of equal rows.</summary>
    public void AddDecoded(int target, SparseActivations features, MatrixView y)
    {
        if (_scale != 1)
        {
            Span<float> vector = new float[y.Columns];
            for (var row = 0; row < features.Rows; row++)
            for (var i = 0; i < features.Indices(row).Length; i++)
            {
                Decoder(target, features.Indices(row)[i], vector);
                TensorPrimitives.MultiplyAdd(vector, features.Values(row)[i], y.Row(row), y.Row(row));
            }
            return;
        }
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            _decoders[target]!.Multiply(FeatureColumns.Of(features, start, count), 0, null, y.SliceRows(start, count));
    }

    /// <summary>z = product · factor + bias, with the product of the encoder as it is stored.</summary>
    private (float Factor, float Bias) Affine(int feature) =>
        _encoder.Selector switch
        {
            ThresholdSelector one => (1, one.Bias[feature]),
            TopKSelector { Scale: { } scale } one => (scale[feature], one.Bias[feature] * scale[feature]),
            TopKSelector one => (1, one.Bias[feature]),
            GatedSelector one => (one.MagnitudeScale[feature], one.MagnitudeBias[feature]),
            var other => throw new NotSupportedException($"{other.GetType().Name}"),
        };

    private Tensor? Prepared(MatrixView x)
    {
        if (_scale == 1 && _subtracted is null)
            return null;
        var prepared = Tensor.Uninitialized(x.Rows, x.Columns);
        for (var row = 0; row < x.Rows; row++)
        {
            TensorPrimitives.Multiply(x.Row(row), _scale, prepared.Row(row));
            if (_subtracted is not null)
                TensorPrimitives.Subtract(prepared.Row(row), _subtracted, prepared.Row(row));
        }
        return prepared;
    }
}

using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// A single-layer dictionary on its way into a file: the factor of the input that the new form's reader applies stays, and
/// all other scales are factors of the features' rows and columns (METHODS §2.3, §7). The matrices are made row by row.
/// </summary>
internal sealed class WritableLayer
{
    private readonly DictionaryWeights _weights;
    private readonly DictionaryWriteOptions _options;
    private readonly float[] _encoderFactors,
        _decoderFactors;

    /// <summary>Prepares the vectors; nothing is written yet.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="options">Type and folding.</param>
    /// <param name="inputScale">The factor that the new form's reader applies to the input by itself, mostly 1.</param>
    /// <param name="maySubtract">Whether the new form can subtract b_dec from the input.</param>
    public WritableLayer(LayerDictionary dictionary, DictionaryWriteOptions options, float inputScale, bool maySubtract)
    {
        (_weights, _options) = (dictionary.Weights, options);
        // A scale that each row has of its own stays what it is: it is not one number that could move.
        var scale = _weights.Scaling.Factor is { } factor ? factor / inputScale : 1;
        Subtracts = _weights.SubtractsBias && maySubtract && scale == 1;
        var shift = _weights.SubtractsBias && !Subtracts ? BiasProduct(_weights.Encoder.Weights, _weights.Bias) : null;
        var norms = options.FoldDecoderNorm ? Norms(dictionary) : null;
        var rescale = (_weights.Encoder.Selector as TopKSelector)?.Scale;

        DecoderBias = [.. _weights.Bias.Select(value => value / scale)];
        _encoderFactors = [.. Enumerable.Range(0, dictionary.Width).Select(i => scale * (rescale?[i] ?? 1) * (norms?[i] ?? 1))];
        _decoderFactors = [.. Enumerable.Range(0, dictionary.Width).Select(i => 1 / (scale * (norms?[i] ?? 1)))];
        float[] Folded(float[] bias, float[]? magnitude = null) =>
            [
                .. bias.Select(
                    (value, i) => (float)((value - (shift?[i] ?? 0) * (magnitude?[i] ?? 1)) * (rescale?[i] ?? 1) * (norms?[i] ?? 1))
                ),
            ];

        switch (_weights.Encoder.Selector)
        {
            case ThresholdSelector jump:
                (EncoderBias, KeepsNegative) = (Folded(jump.Bias), jump.KeepNegative);
                Threshold = [.. jump.Threshold.Select((value, i) => value * (norms?[i] ?? 1))];
                break;
            case GatedSelector gated:
                (GateBias, MagnitudeBias) = (Folded(gated.GateBias), Folded(gated.MagnitudeBias, gated.MagnitudeScale));
                MagnitudeLog = [.. gated.MagnitudeScale.Select(value => MathF.Log(value))];
                break;
            case TopKSelector top:
                if (norms?.Any(norm => Math.Abs(norm - 1) > 1e-5) ?? false)
                    throw new ArgumentProblemException(
                        "folding the decoder's norms would change which features are the k largest",
                        dictionary.Name
                    );
                EncoderBias = Folded(top.Bias);
                break;
        }
    }

    /// <summary>Whether b_dec is still subtracted from the input.</summary>
    public bool Subtracts { get; }

    public float[] DecoderBias { get; }

    public float[]? EncoderBias { get; }

    public float[]? Threshold { get; }

    /// <summary>Whether a negative z above a negative threshold is a feature.</summary>
    public bool KeepsNegative { get; }

    public float[]? GateBias { get; }

    public float[]? MagnitudeBias { get; }

    public float[]? MagnitudeLog { get; }

    /// <summary>W_enc [inputs, features].</summary>
    public TensorSource Encoder(string name) =>
        Matrix(
            name,
            _weights.Encoder.Inputs,
            _weights.Encoder.Features,
            (row, values) =>
            {
                WeightRows.Input(_weights.Encoder.Weights, row, values);
                TensorPrimitives.Multiply(values, _encoderFactors, values);
            }
        );

    /// <summary>W_dec [features, outputs].</summary>
    public TensorSource Decoder(string name) =>
        Matrix(
            name,
            _weights.Encoder.Features,
            _weights.Decoder.Columns,
            (row, values) =>
            {
                _weights.Decoder.Read(row, values);
                TensorPrimitives.Multiply(values, _decoderFactors[row], values);
            }
        );

    /// <summary>The linear path from input to output: [inputs, outputs], or transposed.</summary>
    public TensorSource Skip(string name, bool transposed)
    {
        var skip = transposed ? _weights.Skip!.Value.Transposed : _weights.Skip!.Value;
        return Matrix(name, skip.Inputs, skip.Outputs, (row, values) => WeightRows.Input(skip, row, values));
    }

    /// <summary>A vector as f32.</summary>
    public static TensorSource Vector(string name, float[] values) => new(name, Tensor.From(values, values.Length));

    private TensorSource Matrix(string name, int rows, int columns, RowMaker make) =>
        WeightRows.Source(name, [rows, columns], _options.Type, make);

    /// <summary>‖W_dec,i‖ on the scale of the output; 1 for a vector of zeros, which stays.</summary>
    internal static float[] Norms(SparseDictionary dictionary)
    {
        var (norms, vector) = (new float[dictionary.Width], new float[dictionary.OutputWidth]);
        for (var i = 0; i < norms.Length; i++)
        {
            dictionary.Decoder(i, vector);
            double sum = 0;
            foreach (var v in vector)
                sum += (double)v * v;
            norms[i] = sum > 0 ? (float)Math.Sqrt(sum) : 1;
        }
        return norms;
    }

    /// <summary>b_dec · W_enc in f64.</summary>
    private static double[] BiasProduct(WeightView encoder, float[] bias)
    {
        var (product, row) = (new double[encoder.Outputs], new float[encoder.Outputs]);
        for (var d = 0; d < encoder.Inputs; d++)
        {
            WeightRows.Input(encoder, d, row);
            for (var i = 0; i < product.Length; i++)
                product[i] += (double)bias[d] * row[i];
        }
        return product;
    }
}

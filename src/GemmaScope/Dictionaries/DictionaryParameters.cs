using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The parameters of a single-layer dictionary as f32 in own memory, to be changed (folded, trained) and made into a
/// dictionary. Arrays have one number a feature; those an activation function does not use are null.
/// </summary>
public sealed class DictionaryParameters
{
    /// <summary>How features follow from the encoder's products.</summary>
    public required ActivationFunction Activation { get; init; }

    /// <summary>W_enc [inputs, features].</summary>
    public required Tensor Encoder { get; init; }

    /// <summary>W_dec [features, outputs].</summary>
    public required Tensor Decoder { get; init; }

    /// <summary>b_dec [outputs].</summary>
    public required float[] DecoderBias { get; init; }

    /// <summary>b_enc; null for a gated dictionary.</summary>
    public float[]? EncoderBias { get; init; }

    /// <summary>θ of a JumpReLU dictionary.</summary>
    public float[]? Threshold { get; init; }

    /// <summary>b_gate of a gated dictionary.</summary>
    public float[]? GateBias { get; init; }

    /// <summary>b_mag of a gated dictionary.</summary>
    public float[]? MagnitudeBias { get; init; }

    /// <summary>r_mag of a gated dictionary: the magnitude's encoder is W_enc · e^r.</summary>
    public float[]? MagnitudeLog { get; init; }

    /// <summary>Number of features of a row, for top-k.</summary>
    public int? K { get; init; }

    /// <summary>W_skip [inputs, outputs], a linear path beside the features, or null.</summary>
    public Tensor? Skip { get; init; }

    /// <summary>Whether b_dec is subtracted from the input first.</summary>
    public bool SubtractsDecoderBias { get; set; }

    /// <summary>Factor of the input; the decoder's output is divided by it.</summary>
    public float InputScale { get; set; } = 1;

    /// <summary>Number of features.</summary>
    public int Width => Encoder.Columns;

    /// <summary>A dictionary over these parameters, which must not change or be disposed while it is used.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="input">The site it reads, or null.</param>
    /// <param name="output">The site it writes; null: the same.</param>
    /// <exception cref="ArgumentProblemException">Shapes do not fit together, or an array is missing.</exception>
    public SparseDictionary ToDictionary(string name, Site? input = null, Site? output = null) =>
        ToDictionary(name, input, output, owns: false);

    /// <summary>The same; if it owns the parameters, disposing it frees them.</summary>
    internal SparseDictionary ToDictionary(string name, Site? input, Site? output, bool owns)
    {
        if (Decoder.Rows != Width || DecoderBias.Length != Decoder.Columns)
            throw new ArgumentProblemException(
                $"W_enc {Encoder}, W_dec {Decoder} and {DecoderBias.Length} values of b_dec do not fit together",
                name
            );
        Site[] inputs = input is { } read ? [read] : [],
            outputs = (output ?? input) is { } written ? [written] : [];
        var kind =
            Skip is not null ? DictionaryKind.SkipTranscoder
            : inputs.SequenceEqual(outputs) ? DictionaryKind.Sae
            : DictionaryKind.Transcoder;
        var origin = new DictionaryOrigin
        {
            Path = name,
            Layers = input?.Layer is { } layer ? [layer] : [],
            Type = Encoder.Type,
        };
        return new LayerDictionary(
            new DictionaryDescription(name, "own", kind, inputs, outputs, origin, [], new Memory(this, owns)),
            new DictionaryWeights(
                new FeatureEncoder(WeightView.Of(Encoder, WeightLayout.InOut), Selector(name)),
                new DecoderRows(Decoder, 0, Decoder.Columns, Decoder.Columns),
                DecoderBias,
                SubtractsDecoderBias,
                InputScaling.By(InputScale),
                Skip is null ? null : WeightView.Of(Skip, WeightLayout.InOut)
            )
        );
    }

    private FeatureSelector Selector(string name)
    {
        float[] Need(float[]? values, string tensor) =>
            values is not null && values.Length == Width
                ? values
                : throw new ArgumentProblemException($"{tensor} must have {Width} values", name);
        return Activation switch
        {
            ActivationFunction.JumpRelu => new ThresholdSelector(
                Activation,
                Need(EncoderBias, "b_enc"),
                Need(Threshold, "threshold"),
                keepNegative: true
            ),
            ActivationFunction.Relu => new ThresholdSelector(Activation, Need(EncoderBias, "b_enc"), new float[Width], keepNegative: false),
            ActivationFunction.Gated => new GatedSelector(
                Need(GateBias, "b_gate"),
                Need(MagnitudeBias, "b_mag"),
                [.. Need(MagnitudeLog, "r_mag").Select(MathF.Exp)]
            ),
            ActivationFunction.TopK when K is > 0 and var k => new TopKSelector(Need(EncoderBias, "b_enc"), k, scale: null),
            _ => throw new ArgumentProblemException(
                $"parameters with activation {Activation} and k {K} cannot be made into a dictionary",
                name
            ),
        };
    }

    /// <summary>Keeps the tensors alive, of which a dictionary knows only the addresses; frees them if they are its own.</summary>
    private sealed class Memory(DictionaryParameters parameters, bool owns) : IDisposable
    {
        public void Dispose()
        {
            if (!owns)
                return;
            parameters.Encoder.Dispose();
            parameters.Decoder.Dispose();
            parameters.Skip?.Dispose();
        }
    }
}

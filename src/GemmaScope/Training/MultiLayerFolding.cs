using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// From parameters of several layers, which see x_l / C_l and predict y_t / C_t, to a dictionary of raw rows (METHODS §2.3, §4.3, §4.4). A
/// block that reads layer l keeps W_enc: b_enc' = C_l b_enc, θ' = C_l θ, f' = C_l f, W_dec'[t] = W_dec[t] C_t / C_l. Features that read all
/// layers have no common scale and keep f instead: W_enc'[l] = W_enc[l] / C_l, W_dec'[t] = C_t W_dec[t]. Always b_dec'[t] = C_t b_dec[t]
/// and W_skip'[l] = W_skip[l] C_t / C_l with t = l. L0 stays.
/// </summary>
internal sealed class MultiLayerFolding
{
    private readonly TrainerParameters _trained;
    private readonly Recipe _recipe;
    private readonly TrainerShape _shape;
    private readonly double _runningThreshold;
    private readonly IReadOnlyList<double> _inputScales,
        _outputScales;

    /// <param name="trained">The training form.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="runningThreshold">θ of what was trained with BatchTopK.</param>
    /// <param name="inputScales">C_l.</param>
    /// <param name="outputScales">C_t.</param>
    public MultiLayerFolding(
        TrainerParameters trained,
        Recipe recipe,
        TrainerShape shape,
        double runningThreshold,
        IReadOnlyList<double> inputScales,
        IReadOnlyList<double> outputScales
    )
    {
        (_trained, _recipe, _shape, _runningThreshold) = (trained, recipe, shape, runningThreshold);
        (_inputScales, _outputScales) = (inputScales, outputScales);
        Require(inputScales, "inputScales");
        Require(outputScales, "outputScales");
    }

    /// <summary>The dictionary, which owns a copy of the parameters.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="inputs">The site of each input layer; empty if not known.</param>
    /// <param name="outputs">The site of each output layer.</param>
    public SparseDictionary ToDictionary(string name, IReadOnlyList<Site> inputs, IReadOnlyList<Site> outputs)
    {
        if (_recipe.Architecture is Architecture.TopK or Architecture.Gated)
            throw new ArgumentProblemException(
                $"a dictionary of several layers holds a threshold for each feature, "
                    + $"and {Settings.Word(_recipe.Architecture)} has none; train it with jump_relu or batch_top_k",
                "architecture"
            );
        var origin = new DictionaryOrigin
        {
            Path = name,
            Layers = [.. inputs.Select(site => site.Layer ?? 0)],
            Affine = _recipe.Skip,
            Type = DType.F32,
        };
        var kind = _shape.Reconstructs ? DictionaryKind.Crosscoder : DictionaryKind.CrossLayerTranscoder;
        var copies = new Copies();
        var description = new DictionaryDescription(name, "own", kind, inputs, outputs, origin, [], copies);
        return _shape.Blocks.Count == 1
            ? new LayerDictionary(description, Shared(copies))
            : new MultiLayerDictionary(description, Blocks(copies));
    }

    private DictionaryWeights Shared(Copies copies)
    {
        Tensor encoder = copies.Copy(_trained.Encoder[0].Values),
            decoder = copies.Copy(_trained.Decoder[0].Values);
        Scale(encoder, encoder.Columns / _inputScales.Count, l => 1 / _inputScales[l]);
        Scale(decoder, _shape.LayerWidth, t => _outputScales[t]);
        return new DictionaryWeights(
            new FeatureEncoder(WeightView.Of(encoder, WeightLayout.OutIn), Selector(0, _shape.Features, 1)),
            new DecoderRows(decoder, 0, decoder.Columns, decoder.Columns),
            [.. Enumerable.Range(0, _shape.OutputLayers).SelectMany(DecoderBias)],
            SubtractsBias: false,
            InputScaling.None,
            Skip: null
        );
    }

    private LayerBlock[] Blocks(Copies copies)
    {
        var (blocks, start) = (new LayerBlock[_shape.Blocks.Count], 0);
        for (var l = 0; l < blocks.Length; l++)
        {
            var (shape, width) = (_shape.Blocks[l], _shape.LayerWidth);
            if (
                shape.InputStart != l * width
                || shape.InputWidth != width
                || shape.OutputStart != l * width
                || shape.OutputStart + shape.OutputWidth != _shape.OutputWidth
            )
                throw new ArgumentProblemException(
                    "only blocks that read layer l, and write it and all after it, make a dictionary of several layers",
                    "shape"
                );
            var (first, scale) = (l, _inputScales[l]);
            Tensor encoder = copies.Copy(_trained.Encoder[l].Values),
                decoder = copies.Copy(_trained.Decoder[l].Values);
            Scale(decoder, width, t => _outputScales[first + t] / scale);
            Tensor? skip = null;
            if (_recipe.Skip)
                Scale(skip = copies.Copy(_trained.Skip[l].Values), width, _ => _outputScales[first] / scale);
            blocks[l] = new LayerBlock(
                new FeatureEncoder(WeightView.Of(encoder, WeightLayout.OutIn), Selector(start, shape.Features, scale)),
                start,
                [
                    .. Enumerable
                        .Range(0, blocks.Length)
                        .Select(t => t >= first ? new DecoderRows(decoder, (long)(t - first) * width, decoder.Columns, width) : null),
                ],
                DecoderBias(l),
                skip is null ? null : WeightView.Of(skip, WeightLayout.InOut)
            );
            start += shape.Features;
        }
        return blocks;
    }

    private ThresholdSelector Selector(int start, int count, double scale)
    {
        float[] Scaled(Func<int, double> value) => [.. Enumerable.Range(start, count).Select(i => (float)(scale * value(i)))];
        var bias = Scaled(i => _trained.EncoderBias.Values.AsSpan()[i]);
        return _recipe.Architecture switch
        {
            Architecture.Relu => new ThresholdSelector(ActivationFunction.Relu, bias, new float[count], keepNegative: false),
            Architecture.BatchTopK => new ThresholdSelector(
                ActivationFunction.JumpRelu,
                bias,
                Scaled(_ => _runningThreshold),
                keepNegative: true
            ),
            _ => new ThresholdSelector(ActivationFunction.JumpRelu, bias, Scaled(Threshold), keepNegative: true),
        };
    }

    private double Threshold(int feature)
    {
        var stored = _trained.Threshold!.Values.AsSpan()[feature];
        return _recipe.LogThreshold ? (float)Math.Exp(stored) : stored;
    }

    private float[] DecoderBias(int layer)
    {
        var bias = _trained.DecoderBias.Values.AsSpan().Slice(layer * _shape.LayerWidth, _shape.LayerWidth).ToArray();
        TensorPrimitives.Multiply(bias, (float)_outputScales[layer], bias);
        return bias;
    }

    /// <summary>Multiplies each run of <paramref name="width"/> columns by its factor.</summary>
    private static void Scale(Tensor rows, int width, Func<int, double> factor)
    {
        for (var part = 0; part < rows.Columns / width; part++)
        for (long i = 0; i < rows.Rows; i++)
        {
            var values = rows.Row(i).Slice(part * width, width);
            TensorPrimitives.Multiply(values, (float)factor(part), values);
        }
    }

    private void Require(IReadOnlyList<double> scales, string name)
    {
        if (scales.Count != _shape.OutputLayers || scales.Any(scale => !(scale > 0) || !double.IsFinite(scale)))
            throw new ArgumentProblemException(
                $"must be {_shape.OutputLayers} numbers above 0, one a layer, and is [{string.Join(", ", scales)}]",
                name
            );
    }

    /// <summary>Tensors that live as long as the dictionary made of them.</summary>
    private sealed class Copies : IDisposable
    {
        private readonly List<Tensor> _tensors = [];

        public Tensor Copy(Tensor tensor)
        {
            _tensors.Add(tensor.ToF32());
            return _tensors[^1];
        }

        public void Dispose() => _tensors.ForEach(tensor => tensor.Dispose());
    }
}

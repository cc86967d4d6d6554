using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// From dictionaries of raw rows to parameters that see x / C_in and predict y / C_out, the way back of <see cref="TrainedDictionary"/>:
/// f = f' / s with s = C_out, times 1 / ‖W_dec,i'‖ where decoder vectors are kept unit vectors; W_enc = W_enc' C_in / s, θ = θ' / s, W_dec =
/// W_dec' s / C_out, b_dec = b_dec' / C_out, b = b' / s + b_dec W_enc where b_dec is subtracted first. So a dictionary of one model's
/// activations begins on those of another with the same features, at their scale. In a training of several layers each block takes the
/// features of its layer's dictionary, which write their own layer only, and go on to the others from there (METHODS §3.3).
/// </summary>
internal sealed class DictionaryStart(
    Recipe recipe,
    TrainerShape shape,
    TrainerParameters parameters,
    IReadOnlyList<double> inputScales,
    IReadOnlyList<double> outputScales
)
{
    // Norms of decoder vectors that count as equal, where to change them would change which features are the k largest.
    private const double NormTolerance = 1e-3;

    /// <summary>Fills the parameters.</summary>
    /// <param name="dictionaries">One, or one a layer.</param>
    /// <returns>The mean threshold, with which BatchTopK goes on; 0 where there are none.</returns>
    /// <exception cref="ArgumentProblemException">A dictionary does not fit the recipe or the shape.</exception>
    public double Fill(IReadOnlyList<SparseDictionary> dictionaries)
    {
        if (shape.OutputLayers != shape.Blocks.Count)
            throw new ArgumentProblemException("cannot be given where each feature reads all layers", "start");
        if (dictionaries.Count != shape.Blocks.Count)
            throw new ArgumentProblemException(
                $"names {dictionaries.Count} dictionaries where {shape.Blocks.Count} are needed, one a layer",
                "start"
            );
        LayerDictionary[] layers = [.. dictionaries.Select(Checked)];
        var chosen = StartingFeatures.Choose(layers, [.. shape.Blocks.Select(block => block.Features)]);
        var (first, thresholds) = (0, 0.0);
        for (var l = 0; l < layers.Length; first += shape.Blocks[l++].Features)
            thresholds += FillBlock(l, first, layers[l], chosen[l]);
        return thresholds / shape.Features;
    }

    private LayerDictionary Checked(SparseDictionary dictionary, int l)
    {
        Require(
            dictionary is LayerDictionary { Weights.Scaling.Factor: not null },
            dictionary,
            "has several layers, or scales its rows one by one"
        );
        var (one, block) = ((LayerDictionary)dictionary, shape.Blocks[l]);
        Require(
            one.InputWidth == block.InputWidth && one.OutputWidth == shape.LayerWidth,
            one,
            $"reads {one.InputWidth} and writes {one.OutputWidth} numbers; {block.InputWidth} and {shape.LayerWidth} are trained"
        );
        Require(
            one.Kind == DictionaryKind.Sae == shape.Reconstructs,
            one,
            $"is {Indefinite(one.Kind)}, and {(shape.Reconstructs ? "an autoencoder" : "a transcoder")} is trained"
        );
        Require(one.Weights.Skip is null || recipe.Skip, one, "has a linear path, which this training has not (kind: skip_transcoder)");
        Require(
            shape.Blocks.Count == 1 ? one.Width == block.Features : one.Width >= block.Features,
            one,
            $"has {one.Width} features where {block.Features} are trained of it (width)"
        );
        Require(
            recipe.Architecture switch
            {
                Architecture.Gated => one.Activation == ActivationFunction.Gated,
                Architecture.Relu => one.Activation == ActivationFunction.Relu,
                Architecture.JumpRelu => one.Activation is ActivationFunction.JumpRelu or ActivationFunction.Relu,
                _ => one.Activation is not ActivationFunction.Gated,
            },
            one,
            $"is of architecture {Settings.Word(one.Activation)}, from which {Settings.Word(recipe.Architecture)} cannot begin "
                + "(recipe.architecture)"
        );
        return one;
    }

    /// <returns>The sum of the features' thresholds.</returns>
    private double FillBlock(int l, int first, LayerDictionary from, int[] features)
    {
        var (weights, sum) = (from.Weights, 0.0);
        var own = parameters.DecoderBias.Values.AsSpan().Slice(l * shape.LayerWidth, shape.LayerWidth);
        for (var i = 0; i < own.Length; i++)
            own[i] = (float)(weights.Bias[i] / (double)weights.Scaling.Factor!.Value / outputScales[l]);
        double? common = null;
        for (var row = 0; row < features.Length; row++)
            sum += FillFeature(l, row, first + row, from, features[row], own, ref common);
        if (weights.Skip is not { } skip)
            return sum;
        for (var i = 0; i < skip.Inputs; i++)
        {
            var path = parameters.Skip[l].Values.Row(i);
            WeightRows.Input(skip, i, path);
            TensorPrimitives.Multiply(path, (float)(inputScales[l] / outputScales[l]), path);
        }
        return sum;
    }

    /// <returns>The feature's threshold.</returns>
    private double FillFeature(
        int l,
        int row,
        int feature,
        LayerDictionary from,
        int source,
        ReadOnlySpan<float> decoderBias,
        ref double? common
    )
    {
        var weights = from.Weights;
        Span<float> encoder = parameters.Encoder[l].Values.Row(row),
            decoder = parameters.Decoder[l].Values.Row(row);
        // Of the layers that a block writes its own is the first.
        decoder.Clear();
        from.Encoder(source, encoder);
        from.Decoder(source, decoder[..shape.LayerWidth]);
        var shift = weights.SubtractsBias ? Product(weights.Bias, encoder) / weights.Scaling.Factor!.Value : 0;
        double norm = recipe.UnitNormDecoder && TensorPrimitives.Norm<float>(decoder) is > 0 and var length ? length : 1;
        var top = weights.Encoder.Selector as TopKSelector;
        if (top is not null)
            norm = RequireCommon(from, norm, common ??= norm);
        // z of the training over z of the dictionary.
        var ratio = norm / outputScales[l] * (top?.Scale?[source] ?? 1);
        TensorPrimitives.Multiply(encoder, (float)(inputScales[l] * ratio), encoder);
        TensorPrimitives.Divide(decoder, (float)norm, decoder);
        var back = recipe.SubtractDecoderBias && shape.HasOneSite ? Product(decoderBias, encoder) : 0;
        float Folded(double bias, double magnitude = 1) => (float)((bias - shift * magnitude) * ratio + back * magnitude);
        switch (weights.Encoder.Selector)
        {
            case GatedSelector gated:
                var magnitude = gated.MagnitudeScale[source];
                Set(parameters.EncoderBias, Folded(gated.GateBias[source]));
                Set(parameters.MagnitudeBias!, Folded(gated.MagnitudeBias[source], magnitude));
                Set(parameters.MagnitudeLog!, MathF.Log(magnitude));
                return 0;
            case ThresholdSelector jump:
                var theta = jump.Threshold[source] * ratio;
                Set(parameters.EncoderBias, Folded(jump.Bias[source]));
                if (jump.Function == ActivationFunction.JumpRelu && parameters.Threshold is { } threshold)
                    Set(threshold, Threshold(from, theta));
                return theta;
            default:
                Set(parameters.EncoderBias, Folded(top!.Bias[source]));
                return 0;
        }

        void Set(Parameter vector, float value) => vector.Values.AsSpan()[feature] = value;
    }

    private static double RequireCommon(LayerDictionary from, double norm, double common)
    {
        Require(
            Math.Abs(norm / common - 1) <= NormTolerance,
            from,
            $"has decoder vectors of norms {common:g4} and {norm:g4}; to make them equal would change which features are the k largest "
                + "(recipe.unit_norm_decoder: false)"
        );
        return common;
    }

    private float Threshold(LayerDictionary from, double theta)
    {
        Require(
            !recipe.LogThreshold || theta > 0,
            from,
            $"has a threshold of {theta:g4}, which has no logarithm (recipe.log_threshold: false)"
        );
        return (float)(recipe.LogThreshold ? Math.Log(theta) : theta);
    }

    private static double Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    private static string Indefinite(DictionaryKind kind) => kind == DictionaryKind.Sae ? "an autoencoder" : "a transcoder";

    private static void Require(bool holds, SparseDictionary dictionary, string problem)
    {
        if (!holds)
            throw new ArgumentProblemException($"{dictionary.Name} {problem}", "start");
    }
}

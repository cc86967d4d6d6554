using System.Numerics.Tensors;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Changes of parameters that change no reconstruction: scales move from one place into another (METHODS §2.3, §7, traps §10 no. 8).
/// All work in place.
/// </summary>
public static class Folding
{
    /// <summary>
    /// Makes every decoder vector a unit vector: n_i = ‖W_dec,i‖ goes into W_enc, every bias of the feature and θ, so that f' = f · n.
    /// Recorded maxima of activations scale alike.
    /// </summary>
    /// <returns>n; a zero vector has n = 1 and stays.</returns>
    public static float[] DecoderNorms(DictionaryParameters parameters)
    {
        var norms = new DecoderRows(parameters.Decoder, 0, parameters.Decoder.Columns, parameters.Decoder.Columns).Norms(parameters.Width);
        for (var i = 0; i < norms.Length; i++)
        {
            if (norms[i] == 0)
                norms[i] = 1;
            TensorPrimitives.Divide(parameters.Decoder.Row(i), norms[i], parameters.Decoder.Row(i));
        }
        for (var d = 0; d < parameters.Encoder.Rows; d++)
            TensorPrimitives.Multiply(parameters.Encoder.Row(d), norms, parameters.Encoder.Row(d));
        foreach (var values in (float[]?[])[parameters.EncoderBias, parameters.Threshold, parameters.GateBias, parameters.MagnitudeBias])
            if (values is not null)
                TensorPrimitives.Multiply(values, norms, values);
        return norms;
    }

    /// <summary>
    /// From the training form on x / C, where b_dec may be subtracted first, to the inference form on raw x, where nothing is:
    /// b_enc' = C b_enc − C (b_dec W_enc), b_dec' = C b_dec, θ' = C θ; f' = C f and L0 stays.
    /// </summary>
    /// <param name="parameters">The training form.</param>
    /// <param name="scale">C, the factor by which training divided its inputs.</param>
    public static void InputScale(DictionaryParameters parameters, double scale)
    {
        var shift = parameters.SubtractsDecoderBias ? BiasProduct(parameters) : new double[parameters.Width];
        for (var i = 0; i < parameters.Width; i++)
        {
            if (parameters.EncoderBias is { } bias)
                bias[i] = (float)(scale * bias[i] - scale * shift[i]);
            if (parameters.Threshold is { } threshold)
                threshold[i] = (float)(scale * threshold[i]);
            if (parameters.GateBias is { } gate)
                gate[i] = (float)(scale * gate[i] - scale * shift[i]);
            if (parameters.MagnitudeBias is { } magnitude)
                magnitude[i] = (float)(scale * magnitude[i] - scale * shift[i] * Math.Exp(parameters.MagnitudeLog![i]));
        }
        TensorPrimitives.Multiply(parameters.DecoderBias, (float)scale, parameters.DecoderBias);
        parameters.SubtractsDecoderBias = false;
    }

    /// <summary>
    /// Moves the factor s of the input into the weights: W_enc' = s W_enc, W_dec' = W_dec / s, b_dec' = b_dec / s; f stays, and x̂ is on
    /// the raw scale as before.
    /// </summary>
    public static void ActivationScale(DictionaryParameters parameters)
    {
        var scale = parameters.InputScale;
        TensorPrimitives.Multiply(parameters.Encoder.AsSpan(), scale, parameters.Encoder.AsSpan());
        TensorPrimitives.Divide(parameters.Decoder.AsSpan(), scale, parameters.Decoder.AsSpan());
        TensorPrimitives.Divide(parameters.DecoderBias, scale, parameters.DecoderBias);
        parameters.InputScale = 1;
    }

    /// <summary>b_dec · W_enc in f64.</summary>
    private static double[] BiasProduct(DictionaryParameters parameters)
    {
        var product = new double[parameters.Width];
        for (var d = 0; d < parameters.Encoder.Rows; d++)
        {
            var row = parameters.Encoder.Row(d);
            for (var i = 0; i < product.Length; i++)
                product[i] += (double)parameters.DecoderBias[d] * row[i];
        }
        return product;
    }
}

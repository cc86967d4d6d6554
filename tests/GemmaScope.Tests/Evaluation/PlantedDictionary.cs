using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Evaluation;

/// <summary>Dictionaries that are known to belong to a site, and copies of others with one thing made wrong.</summary>
internal static class PlantedDictionary
{
    /// <summary>
    /// JumpReLU features along the main directions of the activations at a site, one each way, which fire from half a deviation on: what a
    /// trained dictionary does, without training.
    /// </summary>
    public static DictionaryParameters At(GemmaModel model, Site site, EvaluationBatch text, int rank)
    {
        using var run = model.Run(text.Sequences, capture: [site], logits: LogitRows.None);
        var x = SavedActivations.Rows(run[site], text.Rows);
        int[] rows = [.. Enumerable.Range(0, text.Rows).Where(row => text.Counted[row])];
        var mean = new float[x.Columns];
        foreach (var row in rows)
            TensorPrimitives.MultiplyAdd(x.Row(row), 1f / rows.Length, mean, mean);
        float[][] centred = [.. rows.Select(row => x.Row(row).ToArray())];
        foreach (var row in centred)
            TensorPrimitives.Subtract(row, mean, row);
        var directions = Directions(centred, x.Columns, rank);

        var (encoder, decoder) = (Tensor.Zeros(x.Columns, 2 * rank), Tensor.Zeros(2 * rank, x.Columns));
        var (bias, threshold) = (new float[2 * rank], new float[2 * rank]);
        for (var feature = 0; feature < 2 * rank; feature++)
        {
            var (along, sign) = (directions[feature / 2], feature % 2 == 0 ? 1f : -1f);
            for (var d = 0; d < along.Length; d++)
                encoder.Row(d)[feature] = decoder.Row(feature)[d] = sign * along[d];
            bias[feature] = -sign * TensorPrimitives.Dot<float>(along, mean);
            threshold[feature] = 0.5f * MathF.Sqrt(centred.Average(row => MathF.Pow(TensorPrimitives.Dot<float>(row, along), 2)));
        }
        return new()
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = mean,
            EncoderBias = bias,
            Threshold = threshold,
        };
    }

    /// <summary>The parameters of a dictionary with thresholds, to be changed.</summary>
    public static DictionaryParameters Copy(SparseDictionary dictionary)
    {
        var weights = ((LayerDictionary)dictionary).Weights;
        var selector = (ThresholdSelector)weights.Encoder.Selector;
        var (encoder, decoder) = (
            Tensor.Zeros(dictionary.InputWidth, dictionary.Width),
            Tensor.Zeros(dictionary.Width, dictionary.OutputWidth)
        );
        var column = new float[dictionary.InputWidth];
        for (var feature = 0; feature < dictionary.Width; feature++)
        {
            weights.Encoder.Read(feature, column);
            for (var d = 0; d < column.Length; d++)
                encoder.Row(d)[feature] = column[d];
            dictionary.Decoder(feature, decoder.Row(feature));
        }
        return new()
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = [.. weights.Bias],
            EncoderBias = [.. selector.Bias],
            Threshold = [.. selector.Threshold],
            SubtractsDecoderBias = weights.SubtractsBias,
        };
    }

    /// <summary>Changes what the dictionary reads: the encoder's rows are multiplied.</summary>
    public static DictionaryParameters Reading(this DictionaryParameters parameters, Func<int, float> factor)
    {
        for (var d = 0; d < parameters.Encoder.Rows; d++)
            TensorPrimitives.Multiply(parameters.Encoder.Row(d), factor(d), parameters.Encoder.Row(d));
        return parameters;
    }

    /// <summary>Changes what it writes: the decoder's columns are multiplied.</summary>
    public static DictionaryParameters Writing(this DictionaryParameters parameters, Func<int, float> factor)
    {
        for (var d = 0; d < parameters.Decoder.Columns; d++)
            parameters.DecoderBias[d] *= factor(d);
        for (var feature = 0; feature < parameters.Width; feature++)
        for (var d = 0; d < parameters.Decoder.Columns; d++)
            parameters.Decoder.Row(feature)[d] *= factor(d);
        return parameters;
    }

    /// <summary>Adds s · (b_dec W_enc) to b_enc.</summary>
    public static DictionaryParameters ShiftedByBias(this DictionaryParameters parameters, float sign)
    {
        for (var d = 0; d < parameters.Encoder.Rows; d++)
            TensorPrimitives.MultiplyAdd(
                parameters.Encoder.Row(d),
                sign * parameters.DecoderBias[d],
                parameters.EncoderBias!,
                parameters.EncoderBias
            );
        return parameters;
    }

    /// <summary>Orthogonal iteration for the directions of most variance.</summary>
    private static float[][] Directions(float[][] rows, int width, int rank)
    {
        var random = new Random(5);
        float[][] directions =
        [
            .. Enumerable.Range(0, rank).Select(_ => Enumerable.Range(0, width).Select(_ => random.NextSingle() - 0.5f).ToArray()),
        ];
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < rank; i++)
            {
                var next = new float[width];
                foreach (var row in rows)
                    TensorPrimitives.MultiplyAdd(row, TensorPrimitives.Dot<float>(row, directions[i]), next, next);
                for (var j = 0; j < i; j++)
                    TensorPrimitives.MultiplyAdd(directions[j], -TensorPrimitives.Dot<float>(next, directions[j]), next, next);
                TensorPrimitives.Divide(next, TensorPrimitives.Norm<float>(next), next);
                directions[i] = next;
            }
        }
        return directions;
    }
}

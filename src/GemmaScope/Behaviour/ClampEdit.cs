using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour;

/// <summary>x + Σ (c_i − f_i(x)) v_i: features of one dictionary get these activations, and its error stays (METHODS §6.5).</summary>
internal static class ClampEdit
{
    /// <summary>One edit where the dictionary reads what it writes, else one that reads and one that writes.</summary>
    /// <param name="features">Features of one dictionary.</param>
    /// <param name="vectors">Their decoder vectors.</param>
    /// <param name="toZero">Whether all are clamped to 0.</param>
    /// <param name="span">At which positions.</param>
    public static Edit[] Of(SteeredFeature[] features, float[][] vectors, bool toZero, Positions span)
    {
        var dictionary = features[0].Dictionary;
        var readout = new FeatureReadout(dictionary, Array.ConvertAll(features, one => one.Feature));
        var values = Array.ConvertAll(features, one => toZero ? 0 : (float)one.Strength);
        // The edits may serve several runs at once, each on a thread of its own.
        var read = new ThreadLocal<float[]>(() => []);
        if (dictionary.InputSite == dictionary.OutputSite)
            return
            [
                Edit.Function(
                    dictionary.OutputSite,
                    (rows, _) =>
                    {
                        readout.Read(rows, Room(read, rows.Rows * values.Length));
                        Write(rows, 0, rows.Rows, read.Value);
                    },
                    span
                ),
            ];
        return
        [
            Edit.OfRun(dictionary.InputSite, (rows, _) => readout.Read(rows, Room(read, rows.Rows * values.Length))),
            Edit.OfRun(
                dictionary.OutputSite,
                (rows, sequences) =>
                {
                    for (var s = 0; s < sequences.Count; s++)
                    {
                        var (start, end) = span.Rows(sequences.First(s), sequences.Length(s));
                        Write(rows, sequences.Start(s) + start, sequences.Start(s) + end, read.Value);
                    }
                }
            ),
        ];

        void Write(MatrixView rows, int start, int end, ReadOnlySpan<float> activations)
        {
            for (var row = start; row < end; row++)
            for (var i = 0; i < values.Length; i++)
                TensorPrimitives.MultiplyAdd(vectors[i], values[i] - activations[row * values.Length + i], rows.Row(row), rows.Row(row));
        }
    }

    private static float[] Room(ThreadLocal<float[]> buffer, int count)
    {
        if (buffer.Value!.Length < count)
            buffer.Value = new float[count];
        return buffer.Value;
    }
}

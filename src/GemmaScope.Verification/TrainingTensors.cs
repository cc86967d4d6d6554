using System.Globalization;
using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Verification;

/// <summary>
/// Parameters (or their gradients) under the names and in the layouts of golden files: W_enc [inputs, features], and for blocks of several
/// layers w_enc.l, and
/// w_dec.l [features, layers, width] by absolute target layer, with zeros towards earlier ones.
/// </summary>
internal static class TrainingTensors
{
    /// <summary>The values of one tensor.</summary>
    public static float[] Read(TrainerParameters parameters, TrainerShape shape, string name)
    {
        var result = new float[Length(parameters, shape, name)];
        Copy(parameters, shape, name, (place, index) => result[index] = place);
        return result;
    }

    /// <summary>Sets one tensor.</summary>
    public static void Write(TrainerParameters parameters, TrainerShape shape, string name, Span<float> values)
    {
        if (values.Length != Length(parameters, shape, name))
            throw new FileFormatException($"has {values.Length} values, the shape says {Length(parameters, shape, name)}", name);
        var copy = values.ToArray();
        Copy(parameters, shape, name, (ref float place, int index) => place = copy[index]);
    }

    private delegate void Visit(ref float place, int index);

    private static void Copy(TrainerParameters parameters, TrainerShape shape, string name, Action<float, int> visit) =>
        Copy(parameters, shape, name, (ref float place, int index) => visit(place, index));

    private static int Length(TrainerParameters parameters, TrainerShape shape, string name)
    {
        var (kind, l) = Split(name);
        return kind == "w_dec" && l is { } layer ? shape.Blocks[layer].Features * shape.OutputWidth : Count(parameters, shape, kind, l);
    }

    private static int Count(TrainerParameters parameters, TrainerShape shape, string kind, int? l)
    {
        var count = 0;
        Copy(parameters, shape, l is null ? kind : $"{kind}.{l}", (ref float _, int _) => count++);
        return count;
    }

    /// <summary>Calls for every stored number with its index in the file's layout.</summary>
    private static void Copy(TrainerParameters parameters, TrainerShape shape, string name, Visit visit)
    {
        var (kind, layer) = Split(name);
        var l = layer ?? 0;
        var (block, first) = (shape.Blocks[l], shape.Blocks.Take(l).Sum(before => before.Features));
        switch (kind)
        {
            case "w_enc":
                for (var i = 0; i < block.Features; i++)
                for (var d = 0; d < block.InputWidth; d++)
                    visit(ref parameters.Encoder[l].Values.Row(i)[d], d * block.Features + i);
                break;
            case "w_dec":
                var (stride, start) = layer is null ? (block.OutputWidth, 0) : (shape.OutputWidth, block.OutputStart);
                for (var i = 0; i < block.Features; i++)
                for (var d = 0; d < block.OutputWidth; d++)
                    visit(ref parameters.Decoder[l].Values.Row(i)[d], i * stride + start + d);
                break;
            case "w_skip":
                Vector(parameters.Skip[l], 0, (int)parameters.Skip[l].Values.Length);
                break;
            case "b_dec":
                if (layer is null)
                    Vector(parameters.DecoderBias, 0, shape.OutputWidth);
                else
                    Vector(parameters.DecoderBias, l * shape.LayerWidth, shape.LayerWidth);
                break;
            default:
                var vector =
                    parameters.All.FirstOrDefault(parameter => parameter.Name == kind && parameter.Values.Length == shape.Features)
                    ?? throw new FileFormatException("is no parameter of this recipe", name);
                Vector(vector, first, block.Features);
                break;
        }

        void Vector(Parameter parameter, int from, int count)
        {
            for (var i = 0; i < count; i++)
                visit(ref parameter.Values.AsSpan()[from + i], i);
        }
    }

    private static (string Kind, int? Layer) Split(string name)
    {
        var dot = name.IndexOf('.');
        var kind = dot < 0 ? name : name[..dot];
        if (kind.StartsWith("W_", StringComparison.Ordinal))
            kind = $"w_{kind[2..]}";
        return (kind, dot < 0 ? null : int.Parse(name[(dot + 1)..], CultureInfo.InvariantCulture));
    }
}

using System.Globalization;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>How large the weights of released dictionaries are, from the shapes of their models (METHODS §1.1) and of their files
/// (§3.2).</summary>
internal static class DictionarySize
{
    private static readonly Dictionary<string, (int Layers, int Width, int Heads)> Models = new(StringComparer.Ordinal)
    {
        ["gemma-2-2b"] = (26, 2304, 2048),
        ["gemma-2-9b"] = (42, 3584, 4096),
        ["gemma-2-27b"] = (46, 4608, 4096),
        ["gemma-3-270m"] = (18, 640, 1024),
        ["gemma-3-1b"] = (26, 1152, 1024),
        ["gemma-3-4b"] = (34, 2560, 2048),
        ["gemma-3-12b"] = (48, 3840, 4096),
        ["gemma-3-27b"] = (62, 5376, 4096),
        // Heads of the layers that see a window; the others have their own size.
        ["gemma-4-e2b"] = (35, 1536, 2048),
        ["gemma-4-e4b"] = (42, 2560, 2048),
        ["gemma-4-31b"] = (60, 5376, 8192),
    };

    /// <summary>Layers and width of a model, or null for one that is not known.</summary>
    public static (int Layers, int Width)? Shape(string model) =>
        Models.TryGetValue(Base(model), out var shape) ? (shape.Layers, shape.Width) : null;

    /// <summary>Number of layers of a model.</summary>
    public static int Layers(string model) => Models[Base(model)].Layers;

    /// <summary>Features behind a label: 16k is 16,384, 131k is 131,072, 1m is 1,048,576; 0 if it is no such label.</summary>
    public static long Features(string label)
    {
        if (label.Length < 2 || !int.TryParse(label[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return 0;
        // 16k is 2^14 = 16,384: the label is a power of two, rounded down to thousands.
        return label[^1] switch
        {
            'k' => PowerFrom(number * 1000L),
            'm' => PowerFrom(number * 1_000_000L),
            _ => 0,
        };
    }

    /// <summary>Bytes of all tensors as f32, or null for a model that is not known.</summary>
    public static long? Bytes(string model, DictionaryKind kind, IReadOnlyList<Site> inputs, string width, bool affine)
    {
        if (!Models.TryGetValue(Base(model), out var shape))
            return null;
        var (layers, features) = (inputs.Count, Features(width));
        if (features == 0)
            return null;
        long d = inputs[0].Kind == SiteKind.Z ? shape.Heads : shape.Width;
        var skip = affine ? d * d : 0;
        if (kind is not (DictionaryKind.Crosscoder or DictionaryKind.CrossLayerTranscoder))
            return (2 * d * features + 2 * features + d + skip) * sizeof(float);
        // The label counts the features of all layers together; each layer has the same number, a multiple of 32.
        var own = features / layers / 32 * 32;
        return layers * (d * own + own * layers * d + 2 * own + d + skip) * sizeof(float);
    }

    private static long PowerFrom(long atLeast) => (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)atLeast);

    private static string Base(string model) =>
        model
            .Replace("google/", "", StringComparison.Ordinal)
            .Replace("-pt", "", StringComparison.Ordinal)
            .Replace("-it", "", StringComparison.Ordinal);
}

using System.Globalization;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Tests.Documents;

/// <summary>The table of docs/memory.md: what the weights of the released models and the keys and values of a context take.</summary>
internal static class MemoryTable
{
    private const double GiB = 1L << 30;

    private static readonly int[] Contexts = [2048, 8192, 32768, 131072];

    private static readonly (string Name, GemmaConfig Config)[] Models =
    [
        ("Gemma 2 2B", Gemma2(26, 2304, 9216, 8, 4, 256)),
        ("Gemma 2 9B", Gemma2(42, 3584, 14336, 16, 8, 256)),
        ("Gemma 2 27B", Gemma2(46, 4608, 36864, 32, 16, 128)),
        ("Gemma 3 270M", Gemma3(18, 640, 2048, 4, 1, 256, 512, 32768)),
        ("Gemma 3 1B", Gemma3(26, 1152, 6912, 4, 1, 256, 512, 32768)),
        ("Gemma 3 4B", Gemma3(34, 2560, 10240, 8, 4, 256, 1024, 131072)),
        ("Gemma 3 12B", Gemma3(48, 3840, 15360, 16, 8, 256, 1024, 131072)),
        ("Gemma 3 27B", Gemma3(62, 5376, 21504, 32, 16, 128, 1024, 131072)),
    ];

    /// <summary>The lines of the table without its head.</summary>
    public static IEnumerable<string> Lines()
    {
        foreach (var (name, config) in Models)
        foreach (var (form, bytes) in Forms(config))
            yield return $"| {name} | {form} | {Size(bytes)} | "
                + string.Join(
                    " | ",
                    Contexts.Select(tokens => tokens > config.MaxPositions ? "–" : Size(bytes + config.CacheBytes(tokens)))
                )
                + " |";
    }

    private static (string Form, long Bytes)[] Forms(GemmaConfig config) =>
        [
            ("bf16", Table(config, DType.BF16) + Sum(config, (_, _) => DType.BF16)),
            ("int8", Table(config, DType.BF16) + Sum(config, (_, _) => LightModel.TypeOf(LightWeights.Int8))),
            ("Q4_K_M", Table(config, Fitting(DType.Q6_K, config.Width)) + Sum(config, (layer, matrix) => InMix(config, layer, matrix))),
            ("int4", Table(config, DType.BF16) + Sum(config, (_, _) => LightModel.TypeOf(LightWeights.Int4))),
        ];

    private static long Table(GemmaConfig config, DType type) => type.ByteLength((long)config.VocabularyRows * config.Width);

    private static long Sum(GemmaConfig config, Func<int, Matrix, DType> type) =>
        Enumerable
            .Range(0, config.Layers)
            .Sum(layer => Matrices(config).Sum(matrix => type(layer, matrix).ByteLength((long)matrix.Inputs * matrix.Outputs)));

    private static Matrix[] Matrices(GemmaConfig config)
    {
        var (d, query, keyValue) = (config.Width, config.Heads * config.Shapes[0].HeadSize, config.Shapes[0].KeyValueWidth);
        return
        [
            new(d, query),
            new(d, keyValue),
            new(d, keyValue, IsImportant: true),
            new(query, d),
            new(d, config.Shapes[0].MlpWidth),
            new(d, config.Shapes[0].MlpWidth),
            new(config.Shapes[0].MlpWidth, d, IsImportant: true),
        ];
    }

    /// <summary>The mix of published files: of v_proj and down_proj every third layer, and the first and last eighth, have more bits.</summary>
    private static DType InMix(GemmaConfig config, int layer, Matrix matrix)
    {
        var eighth = config.Layers / 8;
        var more = layer < eighth || layer >= 7 * config.Layers / 8 || (layer - eighth) % 3 == 2;
        return Fitting(matrix.IsImportant && more ? DType.Q6_K : DType.Q4_K, matrix.Inputs);
    }

    /// <summary>Rows that are no whole blocks of 256 fall back to a type with blocks of 32.</summary>
    private static DType Fitting(DType type, int inputs) =>
        inputs % type.BlockLength() == 0 ? type
        : type == DType.Q6_K ? DType.Q8_0
        : DType.Q5_0;

    private static string Size(long bytes) => (bytes / GiB).ToString("0.0", CultureInfo.InvariantCulture);

    private static GemmaConfig Gemma2(int layers, int width, int mlp, int heads, int keyValueHeads, int headSize) =>
        Config(GemmaFamily.Gemma2, layers, width, mlp, heads, keyValueHeads, headSize, 4096, 8192, 256000, layer => layer % 2 == 0);

    private static GemmaConfig Gemma3(
        int layers,
        int width,
        int mlp,
        int heads,
        int keyValueHeads,
        int headSize,
        int window,
        int context
    ) =>
        Config(
            GemmaFamily.Gemma3,
            layers,
            width,
            mlp,
            heads,
            keyValueHeads,
            headSize,
            window,
            context,
            262144,
            layer => (layer + 1) % 6 != 0
        );

    private static GemmaConfig Config(
        GemmaFamily family,
        int layers,
        int width,
        int mlp,
        int heads,
        int keyValueHeads,
        int headSize,
        int window,
        int context,
        int vocabulary,
        Func<int, bool> sliding
    ) =>
        new()
        {
            Family = family,
            Shapes = LayerShape.Alike(Enumerable.Range(0, layers).Select(sliding), headSize, keyValueHeads, mlp),
            Width = width,
            Heads = heads,
            Window = window,
            MaxPositions = context,
            VocabularyRows = vocabulary,
            RealVocabulary = vocabulary,
            QueryPreAttentionScalar = headSize,
            AttentionCap = null,
            FinalCap = null,
            NormEpsilon = 1e-6f,
            LocalRope = new(10000, 1),
            GlobalRope = new(10000, 1),
            BosId = 2,
            EosIds = [1],
        };

    private sealed record Matrix(int Inputs, int Outputs, bool IsImportant = false);
}

using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>The numbers that GGUF files use for element types.</summary>
internal static class GgufTypes
{
    private static readonly Dictionary<uint, DType> Read = new()
    {
        [0] = DType.F32,
        [1] = DType.F16,
        [2] = DType.Q4_0,
        [3] = DType.Q4_1,
        [6] = DType.Q5_0,
        [7] = DType.Q5_1,
        [8] = DType.Q8_0,
        [10] = DType.Q2_K,
        [11] = DType.Q3_K,
        [12] = DType.Q4_K,
        [13] = DType.Q5_K,
        [14] = DType.Q6_K,
        [20] = DType.IQ4_NL,
        [23] = DType.IQ4_XS,
        [24] = DType.I8,
        [25] = DType.I16,
        [26] = DType.I32,
        [27] = DType.I64,
        [28] = DType.F64,
        [30] = DType.BF16,
    };

    /// <summary>Types of the format that nothing here computes with.</summary>
    private static readonly Dictionary<uint, string> Unread = new()
    {
        [9] = "Q8_1",
        [15] = "Q8_K",
        [16] = "IQ2_XXS",
        [17] = "IQ2_XS",
        [18] = "IQ3_XXS",
        [19] = "IQ1_S",
        [21] = "IQ3_S",
        [22] = "IQ2_S",
        [29] = "IQ1_M",
        [34] = "TQ1_0",
        [35] = "TQ2_0",
        [39] = "MXFP4",
    };

    private static readonly HashSet<uint> Removed = [4, 5, 31, 32, 33, 36, 37, 38];

    /// <summary>The type of a number, or null.</summary>
    public static DType? Parse(uint number) => Read.TryGetValue(number, out var type) ? type : null;

    /// <summary>Why a number is no type that can be read: the end of the sentence "has type 4, …".</summary>
    public static string Problem(uint number) =>
        Removed.Contains(number) ? "which was removed from the format; get a newer file"
        : Unread.TryGetValue(number, out var name)
            ? $"{name}, which is not read; get the model as Q8_0, Q6_K, Q5_K_M, Q4_K_M, IQ4_XS or another of the types that are"
        : "which the format does not have; the file is damaged, or newer than this program";
}

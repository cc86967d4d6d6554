using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>The names that safetensors headers use for element types.</summary>
public static class SafetensorsTypes
{
    private static readonly Dictionary<string, DType> ByName = Enum.GetValues<DType>()
        .Where(type => !type.IsBlockType())
        .ToDictionary(NameOf, StringComparer.Ordinal);

    /// <summary>The name in a header, e.g. <c>BF16</c> or <c>F8_E4M3</c>.</summary>
    public static string NameOf(DType type) =>
        type switch
        {
            DType.Bool => "BOOL",
            DType.F8E4M3 => "F8_E4M3",
            DType.F8E5M2 => "F8_E5M2",
            DType.F8E8M0 => "F8_E8M0",
            _ => type.ToString(),
        };

    /// <summary>The type of a name, or null where the format knows none of that name.</summary>
    public static DType? Parse(string name) => ByName.TryGetValue(name, out var type) ? type : null;

    /// <summary>True for the types of the format that pack elements into less than a byte, which nothing here can read.</summary>
    internal static bool IsSubByte(string name) => name is "F4" or "F6_E2M3" or "F6_E3M2";
}

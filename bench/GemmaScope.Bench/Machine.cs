using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Bench;

/// <summary>What the figures were measured on.</summary>
public static class Machine
{
    /// <summary>The processor's own name where the system tells it, else its architecture.</summary>
    public static string Processor { get; } = ReadName() ?? $"{RuntimeInformation.ProcessArchitecture}";

    /// <summary>Width of the vectors that .NET uses here.</summary>
    public static string Vectors { get; } =
        $"{(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)}-bit vectors";

    private static string? ReadName()
    {
        const string file = "/proc/cpuinfo";
        return File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }
}

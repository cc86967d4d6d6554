using System.Runtime.InteropServices;

namespace GemmaScope.Bench;

/// <summary>What the figures were measured on.</summary>
public static class Machine
{
    /// <summary>The processor's own name where the system tells it, else its architecture.</summary>
    public static string Processor { get; } = ReadName() ?? $"{RuntimeInformation.ProcessArchitecture}";

    private static string? ReadName()
    {
        const string file = "/proc/cpuinfo";
        return File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }
}

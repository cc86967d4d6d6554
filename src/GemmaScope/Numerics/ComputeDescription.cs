using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace GemmaScope.Numerics;

/// <summary>What this process computes with, as <c>gemmascope info</c> prints it.</summary>
/// <param name="Kernels">The kernels with library, version and implementation.</param>
/// <param name="OneDnnProblem">Why oneDNN is not used; null if it is.</param>
/// <param name="Processor">Processor architecture.</param>
/// <param name="InstructionSets">Vector instruction sets that the managed kernels may use.</param>
/// <param name="VectorBits">Vector width of the managed kernels.</param>
/// <param name="Threads">Worker threads.</param>
/// <param name="Arithmetic">The arithmetic where a caller names none.</param>
/// <param name="MemoryBytes">Memory this process may use.</param>
/// <param name="AvailableMemoryBytes">Memory that is free for it now.</param>
public sealed record ComputeDescription(
    string Kernels,
    string? OneDnnProblem,
    string Processor,
    IReadOnlyList<string> InstructionSets,
    int VectorBits,
    int Threads,
    Arithmetic Arithmetic,
    long MemoryBytes,
    long AvailableMemoryBytes
)
{
    /// <summary>Whether the system gives huge pages to memory that asks for them; null where it does not say so.</summary>
    public bool? HugePages { get; init; }

    internal static ComputeDescription Current(IDenseKernels kernels, string? problem)
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return new(
            kernels.Name,
            problem,
            RuntimeInformation.ProcessArchitecture.ToString(),
            [.. Sets()],
            32 * (int)ManagedKernels.Widest,
            Workers.Count,
            Compute.DefaultArithmetic,
            memory,
            FreeMemory.Bytes()
        )
        {
            HugePages = LinuxMemory.GivesHugePages,
        };
    }

    private static IEnumerable<string> Sets() =>
        new (string Name, bool Present)[]
        {
            ("SSE4.2", Sse42.IsSupported),
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("AVX-512", Avx512F.IsSupported && Vector512.IsHardwareAccelerated),
            ("AdvSimd", AdvSimd.IsSupported),
        }
            .Where(set => set.Present)
            .Select(set => set.Name);
}

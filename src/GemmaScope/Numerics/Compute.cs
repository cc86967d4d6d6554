namespace GemmaScope.Numerics;

/// <summary>
/// The kernels and arithmetic of this process, chosen once: by <see cref="Configure"/>, else by the environment
/// variables GEMMASCOPE_KERNELS (auto, managed, onednn) and GEMMASCOPE_ARITHMETIC (exact, fast), else oneDNN where it is
/// installed and passes its check, and exact arithmetic.
/// </summary>
public static class Compute
{
    /// <summary>The environment variable that chooses the kernels.</summary>
    public const string KernelsVariable = "GEMMASCOPE_KERNELS";

    /// <summary>The environment variable that chooses the arithmetic.</summary>
    public const string ArithmeticVariable = "GEMMASCOPE_ARITHMETIC";

    private static readonly Lock Choosing = new();
    private static KernelChoice? s_choice;
    private static string? s_kernels;
    private static Arithmetic? s_arithmetic;

    /// <summary>The dense kernels in use.</summary>
    /// <exception cref="ArgumentProblemException">The environment variable names none, or names oneDNN and it cannot be used.</exception>
    public static IDenseKernels Kernels => Choice.Kernels;

    /// <summary>The arithmetic used where a caller names none.</summary>
    /// <exception cref="ArgumentProblemException">The environment variable names none.</exception>
    public static Arithmetic DefaultArithmetic
    {
        get =>
            s_arithmetic ??=
                ParseArithmetic(Environment.GetEnvironmentVariable(ArithmeticVariable), ArithmeticVariable) ?? Arithmetic.Exact;
        set => s_arithmetic = value;
    }

    /// <summary>Why oneDNN is not in use; null if it is.</summary>
    public static string? OneDnnProblem => Choice.Problem;

    /// <summary>Chooses before the first product; what is null is left to the environment.</summary>
    /// <param name="kernels">auto, managed or onednn.</param>
    /// <param name="arithmetic">exact or fast.</param>
    /// <exception cref="ArgumentProblemException">An unknown name, or kernels are already in use.</exception>
    public static void Configure(string? kernels = null, string? arithmetic = null)
    {
        s_arithmetic = ParseArithmetic(arithmetic, "--arithmetic") ?? s_arithmetic;
        if (kernels is null)
            return;
        lock (Choosing)
        {
            if (s_choice is not null)
                throw new ArgumentProblemException("the kernels are already in use and cannot be changed", "--kernels");
            KernelChoice.CheckName(kernels, "--kernels");
            s_kernels = kernels;
        }
    }

    /// <summary>What is computed with, and on what.</summary>
    public static ComputeDescription Describe() => ComputeDescription.Current(Kernels, OneDnnProblem);

    private static KernelChoice Choice
    {
        get
        {
            if (Volatile.Read(ref s_choice) is { } made)
                return made;
            lock (Choosing)
                return s_choice ??= s_kernels is not null
                    ? KernelChoice.Make(s_kernels, "--kernels")
                    : KernelChoice.Make(Environment.GetEnvironmentVariable(KernelsVariable), KernelsVariable);
        }
    }

    private static Arithmetic? ParseArithmetic(string? name, string source) =>
        name?.Trim().ToLowerInvariant() switch
        {
            null or "" => null,
            "exact" => Arithmetic.Exact,
            "fast" => Arithmetic.Fast,
            _ => throw new ArgumentProblemException($"'{name}' is no arithmetic; use exact or fast", source),
        };
}

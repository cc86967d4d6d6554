namespace GemmaScope.Numerics;

/// <summary>
/// The dense kernels of this process, chosen once: by <see cref="UseKernels"/>, else by the environment variable GEMMASCOPE_KERNELS
/// (auto, managed, onednn), else oneDNN where it is installed and passes its check. How a model computes is the model's own affair.
/// </summary>
public static class Compute
{
    /// <summary>The environment variable that chooses the kernels.</summary>
    public const string KernelsVariable = "GEMMASCOPE_KERNELS";

    /// <summary>The environment variable that chooses the arithmetic.</summary>
    public const string ArithmeticVariable = "GEMMASCOPE_ARITHMETIC";

    private static readonly Setting KernelsSetting = new("Kernels");
    private static readonly Lock Choosing = new();
    private static KernelChoice? s_choice;
    private static string? s_kernels;

    /// <summary>The dense kernels in use.</summary>
    /// <exception cref="ArgumentProblemException">The environment variable names none, or names oneDNN and it cannot be used.</exception>
    public static IDenseKernels Kernels => Choice.Kernels;

    /// <summary>The arithmetic of models that are loaded without one: what the environment variable says, else exact.</summary>
    /// <exception cref="ArgumentProblemException">The environment variable names none.</exception>
    public static Arithmetic DefaultArithmetic =>
        Environment.GetEnvironmentVariable(ArithmeticVariable)?.Trim().ToLowerInvariant() switch
        {
            null or "" or "exact" => Arithmetic.Exact,
            "fast" => Arithmetic.Fast,
            var name => throw new ArgumentProblemException($"'{name}' is no arithmetic; use exact or fast", ArithmeticVariable),
        };

    /// <summary>Why oneDNN is not in use; null if it is.</summary>
    public static string? OneDnnProblem => Choice.Problem;

    /// <summary>Chooses the kernels before the first product.</summary>
    /// <param name="kernels">auto, managed or onednn.</param>
    /// <exception cref="ArgumentProblemException">An unknown name, or kernels are already in use.</exception>
    public static void UseKernels(string kernels)
    {
        lock (Choosing)
        {
            if (s_choice is not null)
                throw new ArgumentProblemException("the kernels are already in use and cannot be changed", KernelsSetting);
            KernelChoice.CheckName(kernels, KernelsSetting.Name);
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
                    ? KernelChoice.Make(s_kernels, KernelsSetting.Name)
                    : KernelChoice.Make(Environment.GetEnvironmentVariable(KernelsVariable), KernelsVariable);
        }
    }
}

using System.CommandLine;
using GemmaScope.Numerics;

namespace GemmaScope.Cli;

/// <summary>The options of every command: how numbers are computed, and how much an internal error says.</summary>
internal sealed class GlobalOptions
{
    private const int MostThreads = 1024;

    private readonly Option<string?> _kernels = new Option<string?>("--kernels")
    {
        Description = "Dense kernels: oneDNN where it is installed and passes its self-check (auto), or one of the two.",
        Recursive = true,
    }.AcceptOnlyFromAmong("auto", "managed", "onednn");

    private const string ArithmeticName = "--arithmetic";

    private readonly Option<string?> _arithmetic = new Option<string?>(ArithmeticName)
    {
        Description = "exact: activations stay f32. fast: they are rounded to bf16 for the big products. Default: exact.",
        Recursive = true,
    }.AcceptOnlyFromAmong("exact", "fast");

    private readonly Option<int?> _threads = new("--threads")
    {
        Description = "Worker threads; by default one for each core.",
        HelpName = "N",
        Recursive = true,
    };

    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show where an error came from.", Recursive = true };

    public void AddTo(RootCommand root)
    {
        foreach (var option in (Option[])[_kernels, _arithmetic, _threads, Verbose])
            root.Options.Add(option);
    }

    /// <summary>Sets up the numerics; without these options the library's own defaults and environment variables decide.</summary>
    public void Apply(ParseResult parsed)
    {
        // The workers read their number once, when the first of them is needed.
        if (parsed.GetValue(_threads) is not (null or >= 1 and <= MostThreads))
            throw new ArgumentProblemException($"must be from 1 to {MostThreads}", "--threads");
        if (parsed.GetValue(_threads) is { } threads)
            Environment.SetEnvironmentVariable(Workers.ThreadsVariable, $"{threads}");
        if (parsed.GetValue(_kernels) is { } kernels)
            Compute.UseKernels(kernels);
    }

    /// <summary>The arithmetic that was asked for; null where none was.</summary>
    public static Arithmetic? ArithmeticOf(ParseResult parsed) =>
        parsed.GetValue<string?>(ArithmeticName) switch
        {
            "exact" => Arithmetic.Exact,
            "fast" => Arithmetic.Fast,
            _ => null,
        };
}

namespace GemmaScope.Numerics;

/// <summary>Kernels by name, and why oneDNN's are not among them.</summary>
internal sealed record KernelChoice(IDenseKernels Kernels, string? Problem)
{
    /// <param name="name">auto, managed or onednn; null is auto.</param>
    /// <param name="source">The flag or variable that said so.</param>
    public static KernelChoice Make(string? name, string source)
    {
        switch (CheckName(name, source))
        {
            case "managed":
                return new(new ManagedKernels(), $"{source} says managed");
            case "onednn":
                return TryOneDnn(out var why) is { } wanted
                    ? new(wanted, null)
                    : throw new ArgumentProblemException($"oneDNN cannot be used: {why}", source);
            default:
                return new(TryOneDnn(out var problem) ?? (IDenseKernels)new ManagedKernels(), problem);
        }
    }

    public static string CheckName(string? name, string source)
    {
        var known = string.IsNullOrWhiteSpace(name) ? "auto" : name.Trim().ToLowerInvariant();
        return known is "auto" or "managed" or "onednn"
            ? known
            : throw new ArgumentProblemException($"'{name}' is no set of kernels; use auto, managed or onednn", source);
    }

    private static OneDnnKernels? TryOneDnn(out string? problem)
    {
        if (OneDnn.TryLoad(Environment.GetEnvironmentVariable(OneDnn.PathVariable), out problem) is not { } library)
            return null;
        var kernels = new OneDnnKernels(library);
        try
        {
            problem = SelfCheck.Run(kernels);
        }
        catch (GemmaScopeException e)
        {
            problem = e.Message;
        }
        if (problem is null && kernels.Implementation is null)
            problem = $"oneDNN {library.Version} has no fast bf16 product for this processor";
        return problem is null ? kernels : null;
    }
}

using System.Globalization;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>
/// What the name, the configuration and the catalogue of a dictionary promise of its readings; null where none of them says it.
/// </summary>
/// <param name="Model">The model it was trained on.</param>
/// <param name="L0">The mean number of active features, from the least to the most.</param>
/// <param name="Norm">The mean norm of its inputs, which the factor of <c>expected_average_only_in</c> makes √d.</param>
internal sealed record DictionaryPromise(string? Model, (double Least, double Most)? L0, double? Norm)
{
    private const int CatalogueDepth = 6;

    // The words of Gemma Scope 2 (METHODS §3.1): "small" ≈ 10 to 20, "medium" ≈ 30 to 60, "big" ≈ 90 to 150.
    private static readonly Dictionary<string, (double, double)> Words = new(StringComparer.Ordinal)
    {
        ["small"] = (10, 20),
        ["medium"] = (30, 60),
        ["big"] = (90, 150),
    };

    /// <summary>What is promised of a dictionary.</summary>
    public static DictionaryPromise Of(SparseDictionary dictionary)
    {
        var origin = dictionary.Origin;
        var entry = Entry(origin, dictionary.Name);
        return new(origin.Model ?? entry?.Model, Sparsity(dictionary, entry), TrainedNorm(dictionary));
    }

    private static (double, double)? Sparsity(SparseDictionary dictionary, CatalogueEntry? entry)
    {
        // The k of top-k is kept on any input, and whether the L0 of several layers is of one or of all no name says.
        if (dictionary.Activation == ActivationFunction.TopK || !dictionary.HasSites || dictionary.InputSites.Count != 1)
            return null;
        if (dictionary.Origin.L0 is > 0 and var stated)
            return (stated, stated);
        if ((dictionary.Origin.L0Label ?? entry?.L0) is not { } label)
            return null;
        if (double.TryParse(label, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0)
            return (number, number);
        return Words.TryGetValue(label, out var range) ? range : null;
    }

    private static double? TrainedNorm(SparseDictionary dictionary) =>
        // Those of the embedding have the factor 1/√d, which is no promise of a norm.
        dictionary is LayerDictionary { HasSites: true, Weights.Scaling.Factor: { } factor }
        && factor != 1
        && dictionary.InputSite.Kind != SiteKind.Embed
            ? Math.Sqrt(dictionary.InputWidth) / factor
            : null;

    /// <summary>Its entry in the catalogue of a folder above it, else in that of releases.</summary>
    private static CatalogueEntry? Entry(DictionaryOrigin origin, string name)
    {
        var folder = Path.GetFullPath(origin.Path);
        for (var depth = 0; depth < CatalogueDepth && folder is not null; depth++, folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, LocalCatalogue.FileName)))
                return OfFolder(folder, Path.GetFullPath(origin.Path));
        var known = DictionaryCatalogue.BuiltIn;
        return
            origin.Repository is { } repository
            && (known.TryFind($"{repository}/{name}", out var entry) || known.TryFind(repository, out entry))
            ? entry
            : null;
    }

    private static CatalogueEntry? OfFolder(string folder, string path)
    {
        try
        {
            return LocalCatalogue.Read(folder).FirstOrDefault(one => IsOf(one.Folder, path));
        }
        catch (GemmaScopeException)
        {
            // A damaged list promises nothing; who asks for it by name is told.
            return null;
        }
    }

    /// <summary>Whether a path is a folder or a file in it.</summary>
    private static bool IsOf(string? folder, string path) =>
        folder is not null && (Path.GetFullPath(folder) == path || Path.GetFullPath(folder) == Path.GetDirectoryName(path));
}

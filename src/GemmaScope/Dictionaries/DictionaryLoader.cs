using GemmaScope.Files;

namespace GemmaScope.Dictionaries;

/// <summary>Recognises the form of a dictionary by its files and hands it to that form's reader.</summary>
internal static class DictionaryLoader
{
    public const string ScopeOneFile = "params.npz",
        ScopeTwoFile = "params.safetensors";

    public static SparseDictionary Load(string path, DictionaryLoadOptions options)
    {
        if (Directory.Exists(path))
            return LoadFolder(path, options);
        if (!File.Exists(path))
            throw new FileFormatException("does not exist; check the name, or download it first", path);
        // The two forms of safetensors differ in the case of their tensors' names and in the configuration beside them.
        if (Path.GetFileName(path) == SaeLensReader.WeightsFile)
            return SaeLensReader.Load(Path.GetDirectoryName(Path.GetFullPath(path))!, options);
        if (Path.GetFileName(path) is SparsifyReader.WeightsFile or DictionaryLearningReader.WeightsFile)
            return LoadFolder(Path.GetDirectoryName(Path.GetFullPath(path))!, options);
        if (TranscoderSetReader.LayerOf(path) is not null)
            return TranscoderSetReader.Load(path, options);
        if (CircuitTracerReader.IsPart(path))
            return CircuitTracerReader.Load(Path.GetDirectoryName(Path.GetFullPath(path))!, options);
        if (MultiLayerReader.LayerOf(path) is not null)
            return MultiLayerReader.Load(Path.GetDirectoryName(Path.GetFullPath(path))!, options);
        return path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase)
            ? ScopeReader.LoadOne(path, options)
            : ScopeReader.LoadTwo(path, options);
    }

    /// <summary>Whether weights are read once to be checked.</summary>
    public static bool Checks(DictionaryLoadOptions options, params ReadOnlySpan<string> files)
    {
        if (options.CheckWeights is { } asked)
            return asked;
        long bytes = 0;
        foreach (var file in files)
            bytes += File.Exists(file) ? new FileInfo(file).Length : 0;
        return bytes <= DictionaryLoadOptions.CheckedBytes;
    }

    /// <summary>Whether a file of this name is the (first) weights file of a dictionary.</summary>
    public static bool IsWeights(string name) =>
        name
            is ScopeOneFile
                or ScopeTwoFile
                or SaeLensReader.WeightsFile
                or SparsifyReader.WeightsFile
                or DictionaryLearningReader.WeightsFile
                or MultiLayerReader.FirstFile
                or CircuitTracerReader.FirstFile;

    /// <summary>The dictionaries that lie in a folder itself: the folder, where it is one, or each file of a set.</summary>
    public static string[] In(string folder) =>
        Directory.EnumerateFiles(folder).Any(file => IsWeights(Path.GetFileName(file))) ? [folder] : TranscoderSetReader.FilesIn(folder);

    private static SparseDictionary LoadFolder(string folder, DictionaryLoadOptions options)
    {
        bool Has(string name) => File.Exists(Path.Combine(folder, name));
        if (Has(ScopeOneFile))
            return ScopeReader.LoadOne(Path.Combine(folder, ScopeOneFile), options);
        if (Has(ScopeTwoFile))
            return ScopeReader.LoadTwo(Path.Combine(folder, ScopeTwoFile), options);
        if (SparsifyReader.IsIn(folder))
            return SparsifyReader.Load(folder, options);
        if (DictionaryLearningReader.IsIn(folder))
            return DictionaryLearningReader.Load(folder, options);
        if (Has(SaeLensReader.WeightsFile) || Has(SaeLensReader.ConfigFile))
            return SaeLensReader.Load(folder, options);
        if (MultiLayerReader.FilesIn(folder).Count > 0)
            return MultiLayerReader.Load(folder, options);
        if (Has(CircuitTracerReader.FirstFile))
            return CircuitTracerReader.Load(folder, options);
        if (TranscoderSetReader.FilesIn(folder) is { Length: > 0 } set)
            throw new FileFormatException(
                $"holds a set of {set.Length} transcoders of circuit-tracer, one a layer; name one of them, e.g. {Path.GetFileName(set[0])}",
                folder
            );
        throw new FileFormatException(FolderForms.Describe(folder) ?? Contents(folder), folder);
    }

    private static string Contents(string folder)
    {
        var limits = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            MaxRecursionDepth = 6,
            IgnoreInaccessible = true,
        };
        var below = Directory
            .EnumerateFiles(folder, "*", limits)
            .Where(file => IsWeights(Path.GetFileName(file)))
            .Select(file => Path.GetRelativePath(folder, Path.GetDirectoryName(file)!))
            .Distinct()
            .Take(4)
            .ToArray();
        const string wanted =
            $"holds no dictionary ({ScopeOneFile}, {ScopeTwoFile}, {SaeLensReader.WeightsFile}, {SparsifyReader.WeightsFile}, "
            + $"{DictionaryLearningReader.WeightsFile}, {MultiLayerReader.FirstFile}, {CircuitTracerReader.FirstFile} or layer_0.safetensors)";
        return below.Length == 0
            ? wanted
            : $"{wanted}; name one of those below it, e.g. {string.Join(", ", below.Take(3))}{(below.Length > 3 ? " …" : "")}";
    }
}

namespace GemmaScope.Files;

/// <summary>Finds the model that a path means where it lies in a GGUF file.</summary>
internal static class GgufFolder
{
    /// <summary>The file, or the first shard: the path itself, or the one model of a folder that has no safetensors files; null where
    /// the path means no GGUF file.</summary>
    /// <exception cref="FileFormatException">The folder holds several.</exception>
    public static string? Find(string path)
    {
        if (!Directory.Exists(path))
            return GgufFile.IsNamed(path) && File.Exists(path) ? path : null;
        if (Directory.EnumerateFiles(path, "model*.safetensors*").Any())
            return null;
        string[] models = [.. Models(Directory.EnumerateFiles(path, "*" + GgufFile.Extension)).Order(StringComparer.Ordinal)];
        return models switch
        {
            [] => null,
            [var one] => one,
            _ => throw new FileFormatException(
                $"holds {models.Length} models as GGUF files; name one of them ({string.Join(", ", models.Select(Path.GetFileName))})",
                path
            ),
        };
    }

    /// <summary>Those of some files that are models: first shards, and not the part that looks at images, which lies beside its
    /// model.</summary>
    public static IEnumerable<string> Models(IEnumerable<string> files) =>
        files.Where(file =>
            GgufFile.IsNamed(file)
            && !Path.GetFileName(file).StartsWith("mmproj", StringComparison.OrdinalIgnoreCase)
            && (GgufFile.ShardsOf(file) is not [var first, ..] || first == file)
        );
}

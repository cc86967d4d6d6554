namespace GemmaScope.Files;

/// <summary>The repository that a folder holds.</summary>
internal static class RepositoryName
{
    /// <summary>google/gemma-2-2b for models--google--gemma-2-2b/snapshots/REVISION of a hub cache, else the folder's own name.</summary>
    public static string Of(string folder)
    {
        var parts = Path.GetFullPath(folder).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            return "";
        return parts.Length >= 3 && parts[^2] == "snapshots" && parts[^3].StartsWith("models--", StringComparison.Ordinal)
            ? parts[^3]["models--".Length..].Replace("--", "/", StringComparison.Ordinal)
            : parts[^1];
    }
}

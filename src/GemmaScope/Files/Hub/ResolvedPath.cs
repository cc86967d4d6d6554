namespace GemmaScope.Files;

/// <summary>Where a resolved file or folder came from.</summary>
public enum PathSource
{
    /// <summary>A local path, named as such.</summary>
    Local,

    /// <summary>The hub cache; nothing was downloaded.</summary>
    Cache,

    /// <summary>Downloaded just now, at least in part.</summary>
    Download,
}

/// <summary>A file or folder on this machine, and how its name was understood.</summary>
/// <param name="Path">The local path.</param>
/// <param name="Source">Where it came from.</param>
/// <param name="Reference">The hub reference, unless it was local.</param>
/// <param name="Commit">The commit, unless it was local.</param>
/// <param name="Remark">Something to know, e.g. that the hub could not be asked; or null.</param>
public sealed record ResolvedPath(
    string Path,
    PathSource Source,
    HubReference? Reference = null,
    string? Commit = null,
    string? Remark = null
)
{
    /// <summary>One line that says how the name was resolved.</summary>
    public override string ToString()
    {
        var text = Source switch
        {
            PathSource.Local => $"{Path} (local)",
            PathSource.Cache => $"{Reference} at commit {Commit} (hub cache: {Path})",
            _ => $"{Reference} at commit {Commit} (downloaded to {Path})",
        };
        return Remark is null ? text : $"{text}; {Remark}";
    }
}

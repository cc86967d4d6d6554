using Xunit;

namespace GemmaScope.Tests;

/// <summary>
/// Files of other projects that are not part of the repository: in the folder that GEMMASCOPE_DATA names, else in <c>shared/data</c> beside
/// or above the checkout.
/// </summary>
internal static class SharedData
{
    /// <summary>The path of a file; without it the test is skipped.</summary>
    public static string File(params string[] parts)
    {
        var path = Folder() is { } folder ? Path.Combine([folder, .. parts]) : null;
        Assert.SkipWhen(
            path is null || !System.IO.File.Exists(path),
            $"{Path.Combine(parts)} is not on this machine (GEMMASCOPE_DATA names the folder)"
        );
        return path!;
    }

    /// <summary>The path of a file or folder of the larger sets of golden cases; without it the test is skipped.</summary>
    public static string Golden(params string[] parts)
    {
        var path = Folder() is { } folder ? Path.Combine([Path.GetDirectoryName(Path.GetFullPath(folder))!, "fixtures", .. parts]) : null;
        Assert.SkipWhen(!Path.Exists(path), $"{Path.Combine(parts)} is not on this machine");
        return path!;
    }

    private static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("GEMMASCOPE_DATA") is { Length: > 0 } named)
            return named;
        for (var folder = new DirectoryInfo(Fixtures.Repository); folder is not null; folder = folder.Parent)
            if (Directory.Exists(Path.Combine(folder.FullName, "shared", "data")))
                return Path.Combine(folder.FullName, "shared", "data");
        return null;
    }
}

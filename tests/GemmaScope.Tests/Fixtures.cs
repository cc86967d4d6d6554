namespace GemmaScope.Tests;

/// <summary>Where the tests find the repository's own fixtures and demo models.</summary>
public static class Fixtures
{
    /// <summary>The repository root: the nearest folder above the test assembly that holds the solution.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>A path below tests/fixtures.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Repository, "tests", "fixtures", .. parts]);

    /// <summary>A path below models.</summary>
    public static string Model(params string[] parts) => System.IO.Path.Combine([Repository, "models", .. parts]);

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "GemmaScope.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests must run inside a checkout of the repository");
    }
}

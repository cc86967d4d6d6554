using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>Where attribution graphs lie that nobody gave a place.</summary>
public static class GraphFolders
{
    private const string Name = "circuits",
        CopiesName = "circuits-mapped",
        DemoFolder = "demo-circuits";

    /// <summary>The folder of the user's own graphs, which is made where it is missing; null where there is no place for one.</summary>
    public static string? OfUser() => InCache(Name);

    /// <summary>The folder of copies of large graphs in the form that is mapped; they are made anew where they are missing.</summary>
    public static string? OfCopies() => InCache(CopiesName);

    private static string? InCache(string name)
    {
        if (UserFolders.FindCache(Environment.GetEnvironmentVariable) is not { } cache)
            return null;
        var folder = Path.Combine(cache, name);
        try
        {
            Directory.CreateDirectory(folder);
            return folder;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Graphs that come along can be shown all the same.
            return null;
        }
    }

    /// <summary>The graphs of the demo model that come along, or null where they are not here.</summary>
    public static string? OfDemo() => DemoFiles.Find(DemoFolder);
}

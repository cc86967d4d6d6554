namespace GemmaScope.Files;

/// <summary>What an attempt left behind. That it cannot be removed must never hide why the attempt failed.</summary>
internal static class Leftovers
{
    /// <summary>Removes a file or a folder with all that is in it, if that can be.</summary>
    public static void Delete(string path)
    {
        try
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here says more.
        }
    }

    /// <summary>Closes what an attempt had open; that it cannot be closed in peace says nothing new.</summary>
    public static void Close(IDisposable opened)
    {
        try
        {
            opened.Dispose();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here says more.
        }
    }
}

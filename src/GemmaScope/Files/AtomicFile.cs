namespace GemmaScope.Files;

/// <summary>Writes a file under a temporary name and moves it into place when it is complete, so nobody ever sees half of it.</summary>
public static class AtomicFile
{
    private const int BufferSize = 1 << 16;

    /// <summary>Writes a file; its folder is made where there is none.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="write">Writes the contents; where it throws, nothing is left behind.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">The file exists and may not be replaced, or cannot be written.</exception>
    public static void Write(string path, Action<Stream> write, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        Check(path, overwrite);
        var target = Path.GetFullPath(path);
        var temporary = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            WriteWhole(temporary, write);
            File.Move(temporary, target, overwrite);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"the file cannot be written: {problem.Message}", path, problem);
        }
        finally
        {
            Leftovers.Delete(temporary);
        }
    }

    /// <summary>Finds out before long work whether a file can be made under a name.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">It is no name of a file, or the file exists and may not be replaced.</exception>
    public static void Check(string path, bool overwrite = false)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new ArgumentProblemException("the name is empty; give the name of a file to write", "file");
        if (Directory.Exists(path))
            throw new GemmaScopeException("this is a folder; give the name of a file to write", path);
        if (!overwrite && File.Exists(path))
            throw new GemmaScopeException(
                "the file exists already",
                path,
                remedy: new Remedy($"give another name, or allow it to be replaced ({new Setting("Overwrite")})")
            );
    }

    private static void WriteWhole(string file, Action<Stream> write)
    {
        var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferSize);
        try
        {
            write(stream);
            stream.Flush(flushToDisk: true);
        }
        catch
        {
            // On a full disk what is buffered fails once more when it is closed.
            Leftovers.Close(stream);
            throw;
        }
        stream.Dispose();
    }
}

using System.Globalization;

namespace GemmaScope.Files;

/// <summary>
/// Keeps a second writer out, in this process or another, until it is disposed. It is a lock of the system, which takes it back from a
/// process that is gone, however it ended: a file that was left behind locks nothing.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Beside the lock, as what is locked cannot be read: who has it.</summary>
    private static string HolderFile(string file) => file + ".pid";

    /// <summary>Takes the lock.</summary>
    /// <param name="file">The file that is locked; it and its folder are made, and the file is deleted at the end.</param>
    /// <param name="location">What an error is about: a folder, a database.</param>
    /// <param name="what">What one process at a time writes there.</param>
    /// <exception cref="GemmaScopeException">Another one has it, which is named; or the file cannot be made.</exception>
    public static FileLock Take(string file, string location, string what)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            var taken = new FileLock(
                new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose)
            );
            SayWho(file);
            return taken;
        }
        catch (IOException problem) when (IsHeldElsewhere(problem))
        {
            throw Held(location, what, Holder(file), problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"cannot be written: {problem.Message}", location, problem);
        }
    }

    /// <summary>The error for what another one writes.</summary>
    /// <param name="location">What the error is about.</param>
    /// <param name="what">What one process at a time writes there.</param>
    /// <param name="holder">Who writes it, where that is known.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public static GemmaScopeException Held(string location, string what, string? holder, Exception? inner = null) =>
        new($"{what} is being written by {holder ?? "another process"}; wait for it, or stop it", location, inner);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file.SafeFileHandle.IsClosed)
            return;
        // While the lock is held nobody else writes there.
        Leftovers.Delete(HolderFile(_file.Name));
        _file.Dispose();
    }

    /// <summary>Whether a file could not be opened because another handle excludes it: EWOULDBLOCK on Linux and on macOS,
    /// ERROR_SHARING_VIOLATION on Windows.</summary>
    internal static bool IsHeldElsewhere(IOException problem) => problem.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static void SayWho(string file)
    {
        try
        {
            File.WriteAllText(HolderFile(file), string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}"));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Only a message would name it.
        }
    }

    private static string? Holder(string file)
    {
        try
        {
            return !int.TryParse(File.ReadAllText(HolderFile(file)), CultureInfo.InvariantCulture, out var process) ? null
                : process == Environment.ProcessId ? "another job of this process"
                : string.Create(CultureInfo.InvariantCulture, $"another process ({process})");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

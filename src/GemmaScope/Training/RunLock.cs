namespace GemmaScope.Training;

/// <summary>Keeps a second run out of a folder. The system takes it back from a process that is gone, however it ended.</summary>
internal static class RunLock
{
    private const string FileName = "run.lock";

    /// <summary>Takes the folder, which is made where there is none; disposing gives it back.</summary>
    /// <exception cref="GemmaScopeException">Another run has it, or it cannot be written.</exception>
    public static IDisposable Take(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(
                Path.Combine(folder, FileName),
                FileMode.OpenOrCreate,
                FileAccess.Write,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"cannot be used: another run may be writing there ({problem.Message})", folder, problem);
        }
    }
}

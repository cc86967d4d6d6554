namespace GemmaScope.Files;

/// <summary>What lies in mapped files. To read where a file was cut off ends the process, and nothing can catch that.</summary>
internal interface IMappedFiles : IDisposable
{
    /// <summary>Finds out whether the files are as long as when they were opened; asked before each use, it costs a microsecond a
    /// file.</summary>
    /// <exception cref="FileFormatException">One was cut short meanwhile.</exception>
    void RequireWhole();
}

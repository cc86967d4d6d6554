namespace GemmaScope.Models;

/// <summary>Where a model's matrices lie while it runs. Results do not depend on it.</summary>
public enum WeightStorage
{
    /// <summary>Mapped, and copied into the process's own memory while it writes text, if twice as much memory is free as they
    /// take.</summary>
    Automatic,

    /// <summary>Mapped from their files: loaded at once, shared with other processes, and let go by the system when memory is short.</summary>
    Mapped,

    /// <summary>In the process's own memory before the first run, in huge pages where the system gives them: read fastest, once for each
    /// token that is written.</summary>
    Private,
}

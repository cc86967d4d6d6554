namespace GemmaScope.Circuits;

/// <summary>Settings of <see cref="AttributionGraph.Compute"/>.</summary>
public sealed record AttributionOptions
{
    /// <summary>Features that become nodes at most, from 1 (METHODS §4.5 step 7).</summary>
    public int MaxFeatures { get; init; } = 7500;

    /// <summary>Features chosen between two rankings, from 1; null for an eighth of <see cref="MaxFeatures"/>, at least 16 and at most 1024.
    /// Ignored where all features fit.</summary>
    public int? Queue { get; init; }

    /// <summary>About how many bytes of gradients exist at one time, from 1 MiB.</summary>
    public long WorkingBytes { get; init; } = 512L << 20;

    /// <summary>Folder of the temporary file that rows go to where they are too many for memory; null for the system's.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>A file that rows are kept in as they are computed. A trace that was stopped or killed goes on with those that are whole
    /// when it is begun again with this file, and ends with the same graph to the last bit. The file stays; null keeps none.</summary>
    public string? RowsFile { get; init; }

    /// <summary>Whether <see cref="RowsFile"/> may be begun anew where it holds rows of something else.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Throws where a number is out of range.</summary>
    /// <exception cref="ArgumentProblemException">One is.</exception>
    internal void Check()
    {
        if (MaxFeatures < 1)
            throw new ArgumentProblemException($"is {MaxFeatures}; a graph needs at least one feature", new Setting(nameof(MaxFeatures)));
        if (Queue < 1)
            throw new ArgumentProblemException($"is {Queue}; it must be 1 or more", new Setting(nameof(Queue)));
        if (WorkingBytes < 1 << 20)
            throw new ArgumentProblemException($"is {WorkingBytes}; it must be 1 MiB or more", new Setting(nameof(WorkingBytes)));
    }

    internal int QueueLength => Queue ?? Math.Clamp(MaxFeatures / 8, 16, 1024);
}

/// <summary>How far an attribution is.</summary>
/// <param name="Rows">Rows that are known.</param>
/// <param name="Total">Rows there will be.</param>
/// <param name="Resumed">How many of those that are known an earlier trace had kept.</param>
public readonly record struct AttributionProgress(int Rows, int Total, int Resumed);

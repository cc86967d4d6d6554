namespace GemmaScope.Bench;

/// <summary>What to measure, and how thoroughly.</summary>
public sealed record BenchOptions
{
    /// <summary>Folder for random models.</summary>
    public string Folder { get; init; } = RandomModel.DefaultFolder;

    /// <summary>Names of the benchmarks to run; empty for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Models whose tokens per second are measured too.</summary>
    public IReadOnlyList<string> Models { get; init; } = ["gemma-3-270m", "gemma-3-1b"];

    /// <summary>A tiny model and one round: tries the benchmark, its numbers mean nothing.</summary>
    public bool Quick { get; init; }

    /// <summary>At full size: what would fill a disk or takes minutes.</summary>
    public bool Full { get; init; }

    /// <summary>How often each thing is timed; the median counts.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>How to start this command again as a process of its own: file, then first arguments. Empty: what needs it is left
    /// out.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];
}

namespace GemmaScope.Bench;

/// <summary>A benchmark: some figures that are measured side by side.</summary>
internal abstract class Benchmark(string name, string description)
{
    /// <summary>Unit of rates of operations.</summary>
    protected const string GigaFlops = "GFLOP/s";

    /// <summary>Unit of rates of bytes.</summary>
    protected const string GigaBytes = "GB/s";

    /// <summary>Name to choose it by.</summary>
    public string Name { get; } = name;

    /// <summary>What it measures, in a few words.</summary>
    public string Description { get; } = description;

    public abstract IEnumerable<Figure> Measure(BenchSetup setup);
}

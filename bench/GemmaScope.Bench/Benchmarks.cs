namespace GemmaScope.Bench;

/// <summary>The benchmarks of <c>gemmascope bench</c>.</summary>
public static class Benchmarks
{
    private static readonly Benchmark[] All =
    [
        new ProductBenchmark(),
        new PrefillBenchmark(),
        new ConcurrentBenchmark(),
        new DecodeBenchmark(),
        new MonitorBenchmark(),
        new QuantBenchmark(),
        new LightBenchmark(),
        .. Gemma4Benchmark.All,
        new SamplerBenchmark(),
        new CaptureBenchmark(),
        new StudyBenchmark(),
        new StudyCotBenchmark(),
        new HarvestBenchmark(),
        new DictionaryBenchmark(),
        new WideDictionaryBenchmark(),
        new EvaluationBenchmark(),
        new LensBenchmark(),
        new CircuitBenchmark(),
        new GraphFileBenchmark(),
        new WholeCircuitBenchmark(),
        new TrainBenchmark(),
        new TrainLayersBenchmark(),
        new FeaturePageBenchmark(),
        new ServeBenchmark(),
        new ShieldBenchmark(),
        new ProcessBenchmark(),
        new ModelsBenchmark(),
    ];

    /// <summary>Name and description of each benchmark.</summary>
    public static IReadOnlyList<(string Name, string Description)> Names { get; } =
    [.. All.Select(benchmark => (benchmark.Name, benchmark.Description))];

    /// <summary>Runs the benchmarks one after the other.</summary>
    /// <param name="options">Which, and how thoroughly.</param>
    /// <param name="progress">Told what is being measured.</param>
    /// <param name="cancellationToken">Stops between measurements.</param>
    /// <returns>The figures, each as soon as it is known.</returns>
    /// <exception cref="GemmaScopeException">A benchmark or model is unknown, or a random model cannot be made.</exception>
    public static IEnumerable<Figure> Run(BenchOptions options, IProgress<string> progress, CancellationToken cancellationToken = default)
    {
        foreach (var name in options.Only)
            if (!All.Any(benchmark => benchmark.Name == name))
                throw new ArgumentProblemException(
                    $"'{name}' is no benchmark; known are {string.Join(", ", All.Select(benchmark => benchmark.Name))}",
                    "only"
                );
        foreach (var model in options.Models)
            ModelShape.Find(model);
        return Figures(new BenchSetup(options, progress, cancellationToken), progress);
    }

    private static IEnumerable<Figure> Figures(BenchSetup setup, IProgress<string> progress)
    {
        foreach (var benchmark in All.Where(benchmark => setup.Options.Only.Count == 0 || setup.Options.Only.Contains(benchmark.Name)))
        {
            progress.Report(benchmark.Description);
            foreach (var figure in benchmark.Measure(setup))
                yield return figure;
        }
    }
}

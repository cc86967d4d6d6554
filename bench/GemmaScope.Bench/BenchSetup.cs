using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>What all benchmarks of a run share: options, random weights and models.</summary>
internal sealed class BenchSetup(BenchOptions options, IProgress<string> progress, CancellationToken cancellationToken)
{
    private const int Seed = 7;

    public BenchOptions Options { get; } = options;

    public CancellationToken Cancellation { get; } = cancellationToken;

    public NormalWeights Weights { get; } = new(Seed);

    /// <summary>Name of the model with targets.</summary>
    public string MainModel => Options.Quick ? ModelShape.Tiny : ModelShape.Main;

    /// <summary>Tokens of a prefill.</summary>
    public int PrefillTokens => Options.Quick ? 40 : 512;

    /// <summary>Shape of the product that stands for all: rows, inputs, outputs.</summary>
    public (int Rows, int Inputs, int Outputs) Product => Options.Quick ? (40, 128, 512) : (512, 2304, 9216);

    /// <summary>Times things side by side.</summary>
    public double[][] Race(params ReadOnlySpan<Contestant> contestants) => RaceBy(processorTime: false, contestants);

    /// <summary>The same by the clock or by the time of the processors.</summary>
    public double[][] RaceBy(bool processorTime, params ReadOnlySpan<Contestant> contestants) =>
        new Race(Options.Quick ? 1 : Options.Rounds, Options.Quick ? 0 : 0.3, processorTime).Run(Cancellation, contestants);

    /// <summary>A block of memory to read, larger than any cache.</summary>
    public MemoryRead MemoryRead(bool hugePages = false) => new(Options.Quick ? 1 << 22 : 1L << 30, hugePages);

    /// <summary>Says how far a long measurement is.</summary>
    public void Report(string text) => progress.Report(text);

    /// <summary>The folder of a random model, made if need be.</summary>
    public string Folder(string model)
    {
        progress.Report($"{model} in {Options.Folder}");
        return RandomModel.Make(ModelShape.Find(model), Options.Folder, Cancellation);
    }

    public GemmaModel Load(string model) => GemmaModel.Load(Folder(model));

    /// <summary>Random token ids after BOS.</summary>
    public static int[] Tokens(GemmaConfig config, int count, int sequence = 0)
    {
        var random = new Random(Seed + sequence);
        return [config.BosId, .. Enumerable.Range(1, count - 1).Select(_ => random.Next(3, config.RealVocabulary))];
    }

    /// <summary>The library's own best at the same product, in bf16, else in f32; null where there is none.</summary>
    public LibraryProduct? NewLibraryProduct() => NewLibraryProduct(DType.BF16) ?? NewLibraryProduct(DType.F32);

    /// <summary>The library's own best in a type, or null.</summary>
    public LibraryProduct? NewLibraryProduct(DType type)
    {
        var (rows, inputs, outputs) = Product;
        using var weights = Weights.Matrix(type, outputs, inputs, 1 / Math.Sqrt(inputs), 1);
        return LibraryProduct.TryCreate(Weights.Matrix(type, rows, inputs, 1, 0), weights);
    }

    /// <summary>A product x · W of random matrices.</summary>
    public ProductProblem NewProduct(DType weights, WeightLayout layout = WeightLayout.OutIn) => new(this, weights, layout);
}

/// <summary>Matrices to multiply.</summary>
internal sealed class ProductProblem : IDisposable
{
    private readonly Tensor _x,
        _weights,
        _y;
    private readonly WeightLayout _layout;

    public ProductProblem(BenchSetup setup, DType type, WeightLayout layout)
    {
        var (rows, inputs, outputs) = setup.Product;
        _x = setup.Weights.Matrix(DType.F32, rows, inputs, 1, 0);
        var (stored, columns) = layout == WeightLayout.OutIn ? (outputs, inputs) : (inputs, outputs);
        _weights = setup.Weights.Matrix(type, stored, columns, 1 / Math.Sqrt(inputs), 1);
        _y = Tensor.Uninitialized(rows, outputs);
        _layout = layout;
        Work = WorkCount.Product(rows, inputs, outputs);
    }

    /// <summary>Operations of one product.</summary>
    public double Work { get; }

    public Contestant With(IDenseKernels kernels, Arithmetic arithmetic) =>
        new(Work, () => kernels.Multiply(_x.AsMatrix(), WeightView.Of(_weights, _layout), _y.AsMatrix(), arithmetic));

    public void Dispose()
    {
        _x.Dispose();
        _weights.Dispose();
        _y.Dispose();
    }
}

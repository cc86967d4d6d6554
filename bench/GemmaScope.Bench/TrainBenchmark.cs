using System.Diagnostics;
using System.Globalization;
using GemmaScope.Numerics;
using GemmaScope.Training;

namespace GemmaScope.Bench;

/// <summary>
/// A step of training a JumpReLU SAE against what it would cost densely: 12 d m operations a row, forward and backward of two products
/// (METHODS §5.3), at the rate of the machine's own f32 product.
/// </summary>
internal sealed class TrainBenchmark() : Benchmark("train", "training step of an SAE of 16,384 features on 4,096 rows")
{
    private const double GiB = 1L << 30;

    // z of random rows is normal with deviation 1/√d; 0.43 % exceed this many of them: 70 of 16,384 features.
    private const double Deviations = 2.63;

    private static (int Rows, int Width, int Features) Size(bool quick) => quick ? (64, 128, 1024) : (4096, 2304, 16384);

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (rows, width, features) = Size(setup.Options.Quick);
        using var x = setup.Weights.Matrix(DType.F32, rows, width, 1 / Math.Sqrt(width), 4);
        using var product = setup.NewProduct(DType.F32);
        using var library = setup.NewLibraryProduct();
        using var exact = Create(width, features, Arithmetic.Exact);
        using var fast = Create(width, features, Arithmetic.Fast);
        var (view, dense, l0) = (x.AsMatrix(), 12.0 * rows * width * features, 0.0);
        var rates = new Race(setup.Options.Quick ? 1 : Math.Min(3, setup.Options.Rounds), 0).Run(
            setup.Cancellation,
            product.With(Compute.Kernels, Arithmetic.Exact),
            new(dense, () => l0 = exact.Train(view, view).L0),
            new(dense, () => fast.Train(view, view)),
            library?.Contestant() ?? product.With(Compute.Kernels, Arithmetic.Fast)
        );
        const string peak = "GEMM exact, f32 weights";
        yield return Figure.Against("training step, as if dense", rates[1], GigaFlops, 1e9, peak, rates[0], 2);
        yield return Figure.Against("training step, as if dense, fast", rates[2], GigaFlops, 1e9, peak, rates[0]);
        yield return Figure.Against("training step, fast beside exact", rates[2], GigaFlops, 1e9, "exact", rates[1]);
        var best = library?.Name ?? $"GEMM fast, {Compute.Kernels.Name}";
        yield return Figure.Against($"{best}, beside the exact product", rates[3], GigaFlops, 1e9, peak, rates[0]);
        yield return Figure.Of("training step, rows", rates[1], "rows/s", dense / rows);
        yield return new Figure("training step, features per row", l0, "L0");
        foreach (var figure in Phases("training step", exact, view).Concat(Phases("training step, fast", fast, view)))
            yield return figure;
        if (setup.Options.Command.Count == 0)
            yield break;
        var (_, bytes) = OwnProcess.Start(
            [.. setup.Options.Command, OwnProcess.Training, .. setup.Options.Quick ? ["--quick"] : Array.Empty<string>()],
            setup.Cancellation
        );
        yield return Figure.Below(
            "training, peak memory",
            [bytes / GiB],
            "GiB",
            "four bytes a parameter + 1 GiB",
            1 + 4.0 * Parameters(width, features) / GiB
        );
    }

    /// <summary>Two steps in this process; prints a line, and then the bytes it held at most.</summary>
    public static void Once(bool quick, TextWriter output)
    {
        var (rows, width, features) = Size(quick);
        using var x = new NormalWeights(1).Matrix(DType.F32, rows, width, 1 / Math.Sqrt(width), 4);
        using var trainer = Create(width, features, Arithmetic.Exact);
        for (var step = 0; step < 2; step++)
            trainer.Train(x.AsMatrix(), x.AsMatrix());
        using var self = Process.GetCurrentProcess();
        output.WriteLine(trainer.Step.ToString(CultureInfo.InvariantCulture));
        output.WriteLine(self.PeakWorkingSet64.ToString(CultureInfo.InvariantCulture));
    }

    private static long Parameters(long width, long features) => 2 * width * features + 2 * features + width;

    private static IEnumerable<Figure> Phases(string step, DictionaryTrainer trainer, MatrixView x)
    {
        trainer.Run(new Nowhere(), x, x);
        var without = trainer.PhaseSeconds.ToArray();
        trainer.Train(x, x);
        var with = trainer.PhaseSeconds.ToArray();
        yield return new Figure($"{step}, encode", with[0] * 1e3, "ms");
        yield return new Figure($"{step}, decode and errors", with[1] * 1e3, "ms");
        yield return new Figure($"{step}, gradients", without[2] * 1e3, "ms");
        yield return new Figure($"{step}, optimiser", Math.Max(with[2] - without[2], 1e-6) * 1e3, "ms");
    }

    private static DictionaryTrainer Create(int width, int features, Arithmetic arithmetic) =>
        DictionaryTrainer.Create(
            new Recipe { ThresholdStart = Deviations / Math.Sqrt(width), Arithmetic = arithmetic },
            TrainerShape.Autoencoder(width, features),
            seed: 1
        );

    /// <summary>Gradients that nobody wants: what remains is their cost.</summary>
    private sealed class Nowhere : GradientSink
    {
        public override void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder) { }

        public override void Whole(Parameter parameter, ReadOnlySpan<float> gradient) { }
    }
}

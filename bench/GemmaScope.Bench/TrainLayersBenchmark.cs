using System.Globalization;
using GemmaScope.Numerics;
using GemmaScope.Training;

namespace GemmaScope.Bench;

/// <summary>
/// How a step of training a cross-layer transcoder grows with its layers, at a fixed number of features a layer and a fixed total L0:
/// forward and
/// backward per token and the memory of a batch must grow about linearly although decoders have layers² / 2 parts (METHODS §3.3, §5.3). The
/// optimiser is
/// counted apart: once a step, whatever the batch's size, it visits every row that the batch touched, in a large batch nearly all of them.
/// </summary>
internal sealed class TrainLayersBenchmark() : Benchmark("train-layers", "a training step of cross-layer transcoders of 2 to 24 layers")
{
    private const double L0 = 48,
        Limit = 1.2;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (width, features, rows) = setup.Options.Quick ? (32, 96, 64) : (256, 512, 1024);
        int[] layers = setup.Options.Quick ? [2, 8] : [2, 4, 8, 16, 24];
        var steps = layers.Select(count => new Steps(setup, count, width, features, rows)).ToArray();
        try
        {
            setup.Race([
                .. steps.Select(each => new Contestant(rows, each.Pass)),
                .. steps.Select(each => new Contestant(rows, each.Step)),
            ]);
            for (var i = 0; i < steps.Length; i++)
            {
                var name = $"train {layers[i].ToString(CultureInfo.InvariantCulture)} layers";
                yield return Figure.Of($"{name}, forward and backward per token", [.. steps[i].PassTimes], "µs");
                yield return Figure.Of($"{name}, with optimiser per token", [.. steps[i].StepTimes], "µs");
                yield return new Figure($"{name}, memory of a batch", steps[i].BatchBytes / 1e6, "MB");
                yield return new Figure($"{name}, parameters and moments", steps[i].ParameterBytes / 1e6, "MB");
                yield return new Figure($"{name}, features per token", steps[i].MeasuredL0, "L0");
            }
            yield return Exponent(
                "time per token grows with layers to the power",
                layers,
                steps.Select(each => each.PassTimes.Min()),
                Limit
            );
            yield return Exponent("memory of a batch grows to the power", layers, steps.Select(each => each.BatchBytes), Limit);
            yield return Exponent("time with optimiser grows to the power", layers, steps.Select(each => each.StepTimes.Min()));
            yield return Exponent("parameters grow to the power", layers, steps.Select(each => each.ParameterBytes));
        }
        finally
        {
            foreach (var each in steps)
                each.Dispose();
        }
    }

    /// <summary>The slope of the least-squares line through (ln layers, ln value).</summary>
    private static Figure Exponent(string name, int[] layers, IEnumerable<double> values, double? limit = null)
    {
        double[] x = [.. layers.Select(count => Math.Log(count))],
            y = [.. values.Select(value => Math.Log(value))];
        var (meanX, meanY) = (x.Average(), y.Average());
        var slope = x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
        return limit is { } most
            ? Figure.Below(name, [slope], "exponent", "linear, with some room", most)
            : new Figure(name, slope, "exponent");
    }

    /// <summary>Steps on one random batch, on which the wanted number of features fires.</summary>
    private sealed class Steps : IDisposable
    {
        private readonly Recipe _recipe;
        private readonly TrainerParameters _parameters;
        private readonly Counters _lastUpdates;
        private readonly Firing _firing;
        private readonly RunningNumbers _running;
        private readonly TrainingStep _step;
        private readonly Tensor _x,
            _y;
        private long _done;

        public Steps(BenchSetup setup, int layers, int width, int features, int rows)
        {
            // Products of unit vectors with rows of unit mean square are nearly normal with deviation 1/√d.
            var threshold = NormalTail(L0 / layers / features) / Math.Sqrt(width);
            _recipe = new Recipe
            {
                Lambda = 0,
                LearningRate = 1e-9,
                ThresholdStart = threshold,
            };
            var shape = TrainerShape.CrossLayer(width, [.. Enumerable.Repeat(features, layers)], reconstructs: false);
            _parameters = new TrainerParameters(_recipe, shape, moments: true);
            (_lastUpdates, _firing, _running) = (
                new("last_update", shape.Features),
                new(shape.Features, _recipe.DeadAfterTokens),
                new(_recipe)
            );
            _step = new TrainingStep(_recipe, shape, _parameters, _firing, _running);
            ParameterStart.Fill(_parameters, _recipe, shape, 1);
            ParameterBytes = _parameters.All.SelectMany(parameter => parameter.State()).Sum(state => (double)state.Tensor.ByteLength);
            (_x, _y) = (Rows(1), Rows(2));

            Tensor Rows(int number) => setup.Weights.Matrix(DType.F32, rows, layers * width, 1 / Math.Sqrt(width), number);
        }

        /// <summary>Microseconds of all processors together for one token.</summary>
        public List<double> PassTimes { get; } = [];

        public List<double> StepTimes { get; } = [];

        public double ParameterBytes { get; }

        public double BatchBytes => _x.ByteLength + _y.ByteLength + _step.Bytes;

        public double MeasuredL0 { get; private set; }

        /// <summary>Forward and backward only.</summary>
        public void Pass() => Run(new NoSink(), PassTimes);

        /// <summary>A step that moves the parameters.</summary>
        public void Step() => Run(new OptimiserSink(_recipe, _parameters, _lastUpdates, _done++), StepTimes);

        // The time of processors, not of the clock: other work on the machine would lengthen long steps more than short ones. For the same
        // reason the fastest counts.
        private void Run(GradientSink sink, List<double> times)
        {
            var before = Environment.CpuUsage.TotalTime;
            MeasuredL0 = _step.Run(_x.AsMatrix(), _y.AsMatrix(), sink, _done, _done * _x.Rows, null, LossParts.All).L0;
            times.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / _x.Rows);
        }

        public void Dispose()
        {
            foreach (var owner in (IDisposable[])[_parameters, _lastUpdates, _firing, _running, _step, _x, _y])
                owner.Dispose();
        }

        /// <summary>z with P(N(0, 1) &gt; z) = p, by bisection on a series of the tail (Abramowitz and Stegun 7.1.26).</summary>
        private static double NormalTail(double p)
        {
            double low = 0,
                high = 8;
            while (high - low > 1e-9)
            {
                var z = (low + high) / 2;
                if (Tail(z) > p)
                    low = z;
                else
                    high = z;
            }
            return low;
        }

        private static double Tail(double z)
        {
            var x = z / Math.Sqrt(2);
            var t = 1 / (1 + 0.3275911 * x);
            return 0.5
                * Math.Exp(-x * x)
                * t
                * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
        }
    }

    /// <summary>Lets gradients go.</summary>
    private sealed class NoSink : GradientSink
    {
        public override void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder) { }

        public override void Whole(Parameter parameter, ReadOnlySpan<float> gradient) { }
    }
}

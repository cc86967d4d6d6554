using GemmaScope.Activations;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>The model that follows from given chance, and the rows that it gives.</summary>
internal sealed class SynthModelChecks(JsonSection expected, SafetensorsFile data)
{
    private const double Tolerance = 1e-5;

    // Thresholds beyond mean that a feature always fires.
    private const float Always = -1e29f;

    public IEnumerable<Check> All() => [.. Model(), .. Benchmark()];

    private IEnumerable<Check> Model()
    {
        var config = SynthVerifier.Config(expected);
        var draws = new SyntheticDraws(
            data["input.dictionary_normals"].ToF32(),
            Numbers("input.bias_normals"),
            Numbers("input.factor_normals"),
            Numbers("input.std_normals")
        );
        using var model = new SyntheticModel(config, draws);
        yield return Same("parent", model.Trees.Parent, "expected.parent");
        yield return Same("level", model.Trees.Level, "expected.level");
        yield return Near("probability", model.Trees.Probability);
        yield return Near("probability_compensated", model.Trees.Firing);
        yield return Near("threshold", [.. model.Thresholds], least: Always);
        yield return Near("factor", [.. model.CommonFactors.ToArray().Select(factor => (double)factor)]);
        yield return Near("diag", model.OwnVariance);
        yield return Near("mean", model.Means);
        yield return Near("std", model.Stds);
        yield return Near("dictionary", model.Directions.AsSpan().ToArray().Select(value => (double)value));
        yield return Near("bias", model.Bias.Select(value => (double)value));
        foreach (var check in Rows(model))
            yield return check;
        // The first version of the benchmark, on the same chance.
        using var gate = new SyntheticModel(
            config with
            {
                ScaleChildrenByParent = false,
            },
            draws with
            {
                Directions = data["input.dictionary_normals"].ToF32(),
            }
        );
        yield return Scaled("activations_gate_only", Draw(gate, (_, _) => { }));
    }

    private IEnumerable<Check> Rows(SyntheticModel model)
    {
        using var hidden = Tensor.Uninitialized(Samples, model.Config.Width);
        var before = new float[Samples * model.Config.Features];
        for (var sample = 0; sample < Samples; sample++)
        {
            var noise = new GivenNoise(data, sample);
            for (var feature = 0; feature < model.Config.Features; feature++)
                before[sample * model.Config.Features + feature] = (float)
                    model.Strength(feature, Common(model, feature, sample), ref noise);
        }
        yield return Scaled("activations_before", before);
        var sum = 0L;
        var activations = Draw(
            model,
            (sample, active) =>
            {
                sum += active.Length;
                model.Mix(active, hidden.Row(sample));
            }
        );
        yield return Scaled("activations", activations);
        yield return Scaled("hidden", hidden.AsSpan().ToArray());
        var generator = SynthVerifier.Section(expected, "generator");
        yield return Golden.Number("true_l0", (double)sum / Samples, generator, "true_l0", 0);
    }

    private double Common(SyntheticModel model, int feature, int sample)
    {
        var rank = model.Config.CorrelationRank;
        return System.Numerics.Tensors.TensorPrimitives.Dot(model.CommonFactors.Slice(feature * rank, rank), data["input.eps"].Row(sample));
    }

    private delegate void Seen(int sample, ReadOnlySpan<FiringFeature> active);

    private float[] Draw(SyntheticModel model, Seen seen)
    {
        var activations = new float[Samples * model.Config.Features];
        var active = new List<FiringFeature>();
        for (var sample = 0; sample < Samples; sample++)
        {
            var noise = new GivenNoise(data, sample);
            model.Draw(data["input.eps"].Row(sample), ref noise, active);
            foreach (var (feature, value) in active)
                activations[sample * model.Config.Features + feature] = (float)value;
            seen(sample, [.. active]);
        }
        return activations;
    }

    /// <summary>Trees and probabilities of the published configuration, which are the defaults.</summary>
    private IEnumerable<Check> Benchmark()
    {
        var benchmark = SynthVerifier.Section(expected, "benchmark_16k");
        var trees = new FeatureTrees(new());
        int[] at = [.. Golden.Numbers(benchmark, "index").Select(index => (int)index)];
        yield return Near("benchmark_16k.probability", at.Select(i => trees.Probability[i]), Golden.Numbers(benchmark, "probability"));
        yield return Near("benchmark_16k.compensated", at.Select(i => trees.Firing[i]), Golden.Numbers(benchmark, "compensated"));
        yield return Near("benchmark_16k.parent", at.Select(i => (double)trees.Parent[i]), Golden.Numbers(benchmark, "parent"), 0);
        yield return Near(
            "benchmark_16k.per_level",
            Enumerable.Range(0, 4).Select(level => (double)trees.Level.Count(value => value == level)),
            Golden.Numbers(benchmark, "per_level"),
            0
        );
        yield return Golden.Number("benchmark_16k.sum_probability", trees.Probability.Sum(), benchmark, "sum_probability", Tolerance);
        yield return Golden.Number("benchmark_16k.sum_compensated", trees.Firing.Sum(), benchmark, "sum_compensated", Tolerance);
        yield return Golden.Count("benchmark_16k.in_trees", trees.InTrees, benchmark, "in_trees");
    }

    private int Samples => (int)data["input.eps"].Rows;

    private float[] Numbers(string name) => data[name].AsSpan().ToArray();

    private Check Same(string name, int[] got, string golden) =>
        Check.That(name, Golden.Integers(data, golden).SequenceEqual(got), $"{got.Length} compared");

    private Check Near(string name, IEnumerable<double> got, float least = float.NegativeInfinity) =>
        Near(
            name,
            got.Select(value => Math.Max(value, least)),
            [.. Numbers($"expected.{name}").Select(value => (double)Math.Max(value, least))]
        );

    private static Check Near(string name, IEnumerable<double> got, double[] want, double tolerance = Tolerance)
    {
        double[] ours = [.. got];
        return ours.Length != want.Length
            ? Check.That(name, false, $"{ours.Length} values instead of {want.Length}")
            : Check.Within(name, ours.Zip(want, (a, b) => a == b ? 0 : Math.Abs(a - b)).Max(), tolerance, $"{want.Length} compared");
    }

    private Check Scaled(string name, float[] got) => Check.Within(name, Golden.Error(got, Numbers($"expected.{name}")), Tolerance);

    /// <summary>The chance of one sample, as the fixture gives it.</summary>
    private readonly struct GivenNoise(SafetensorsFile data, int sample) : ISampleNoise
    {
        public bool Exceeds(int feature, double bound) => data["input.eta"].Row(sample)[feature] > bound;

        public double Strength(int feature) => data["input.delta"].Row(sample)[feature];

        public int Keep(ReadOnlySpan<FiringFeature> siblings)
        {
            var (best, scores) = (0, data["input.score"]);
            for (var i = 1; i < siblings.Length; i++)
                if (scores.Row(sample)[siblings[i].Feature] > scores.Row(sample)[siblings[best].Feature])
                    best = i;
            return best;
        }
    }
}

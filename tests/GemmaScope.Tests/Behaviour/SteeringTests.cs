using System.Numerics.Tensors;
using System.Text.Json;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Behaviour;

public sealed class SteeringTests : IDisposable
{
    private static readonly int[] Prompt = [2, 9, 76, 41, 9, 70, 44];

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void a_dose_is_linear_in_f32_at_the_norms_of_large_models()
    {
        // METHODS §1.4 no. 8: residuals of norm 24,700, where bf16 loses more than a percent of the dose. The model's weights are bf16.
        using var model = GemmaModel.Load(Fixtures.Path("host", "gemma2-bf16-sharded"));
        var (site, random) = (Site.ResidPost(1), new Random(5));
        var direction = Direction(random, model.Config.Width, 1);
        var large = Direction(random, model.Config.Width, 24_700);
        float[] At(float strength)
        {
            using var run = model.Run(
                Prompt,
                capture: [site],
                edits: [Edit.Set(site, large), Edit.Add(site, direction, strength, 1..)],
                arithmetic: Arithmetic.Exact
            );
            return run[site].Row(3).ToArray();
        }
        double Dose(float strength, Func<float, float> round) =>
            At(strength)
                .Zip(At(0), (steered, clean) => (double)round(steered) - round(clean))
                .Zip(direction, (change, part) => change * part)
                .Sum() / strength;

        foreach (var strength in (float[])[-300, -10, 10, 30, 300])
        {
            Assert.Equal(1, Dose(strength, value => value), 2e-4);
            if (Math.Abs(strength) == 10)
                Assert.NotInRange(Dose(strength, RoundedToBF16), 0.99, 1.01);
        }
    }

    [Fact]
    public void features_together_add_up_each_with_its_own_strength()
    {
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        var got = At(
            dictionary.OutputSite,
            Steering.Edits(SteeringMode.Add, [new(dictionary, 3, 2), new(dictionary, 40, -1.5)], _model.Config)
        );
        var want = At(dictionary.OutputSite, []);
        for (var row = 1; row < Prompt.Length; row++)
        for (var i = 0; i < dictionary.OutputWidth; i++)
            want[row][i] += 2 * Decoder(dictionary, 3)[i] - 1.5f * Decoder(dictionary, 40)[i];
        AssertClose(want, got);
    }

    [Fact]
    public void features_of_one_dictionary_are_clamped_together_to_what_was_asked_of_each()
    {
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        var clean = At(dictionary.InputSite, []);
        using var x = Matrix(clean);
        var features = dictionary.Encode(x.AsMatrix());
        var got = At(
            dictionary.OutputSite,
            Steering.Edits(SteeringMode.Clamp, [new(dictionary, 3, 4), new(dictionary, 40, 0.5)], _model.Config)
        );
        for (var row = 1; row < Prompt.Length; row++)
        for (var i = 0; i < dictionary.OutputWidth; i++)
            clean[row][i] +=
                (4 - features.Value(row, 3)) * Decoder(dictionary, 3)[i] + (0.5f - features.Value(row, 40)) * Decoder(dictionary, 40)[i];
        AssertClose(clean, got);
    }

    [Theory]
    [InlineData("gemma-scope-tiny-pt-att", "layer_1", "z.1", "z.1")]
    [InlineData("gemma-scope-tiny-pt-mlp", "layer_1", "mlp_out.1", "mlp_out.1")]
    [InlineData("gemma-scope-tiny-pt-transcoders", "layer_1", "ln2_normalized.1", "mlp_out.1")]
    [InlineData("gemma-scope-2-tiny-pt", "layer_2_", "mlp_in.2", "mlp_out.2")]
    public void a_feature_acts_where_its_dictionary_writes_and_is_read_where_it_reads(
        string name,
        string layer,
        string reads,
        string writes
    )
    {
        using var dictionary = Load(name, layer, reads);
        Assert.Equal((reads, writes), (dictionary.InputSite.ToString(), dictionary.OutputSite.ToString()));
        using var run = _model.Run(Prompt, capture: [dictionary.InputSite, dictionary.OutputSite], arithmetic: Arithmetic.Exact);
        var features = dictionary.Encode(run);
        var feature = features.Top(Prompt.Length - 1, 1)[0].Feature;
        foreach (var (mode, value) in ((SteeringMode, float)[])[(SteeringMode.Clamp, 7), (SteeringMode.Ablate, 0)])
        {
            var edits = Steering.Edits(mode, [new(dictionary, feature, value)], _model.Config);
            var got = At(dictionary.OutputSite, edits);
            for (var row = 0; row < Prompt.Length; row++)
            for (var i = 0; i < dictionary.OutputWidth; i++)
            {
                var want =
                    run[dictionary.OutputSite].Row(row)[i]
                    + (row == 0 ? 0 : (value - features.Value(row, feature)) * Decoder(dictionary, feature)[i]);
                Assert.Equal(want, got[row][i], 1e-4f * Math.Max(1, Math.Abs(want)));
            }
            // Several sequences in one run, and one of them with a cache: each row is clamped by its own activation.
            AssertClose(got, Together(dictionary.OutputSite, edits));
        }
    }

    [Fact]
    public void the_residual_stream_of_a_model_ablated_everywhere_has_nothing_along_the_features()
    {
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        var edits = Steering.Edits(SteeringMode.Everywhere, [new(dictionary, 3), new(dictionary, 40)], _model.Config, Positions.All);
        for (var layer = 0; layer < _model.Config.Layers; layer++)
            foreach (var site in (Site[])[Site.ResidPre(layer), Site.ResidMid(layer), Site.ResidPost(layer)])
            foreach (var row in At(site, edits))
            foreach (var feature in (int[])[3, 40])
                Assert.Equal(0, TensorPrimitives.CosineSimilarity<float>(row, Decoder(dictionary, feature)), 1e-5f);
    }

    [Fact]
    public void bos_and_what_comes_before_the_span_are_left_alone()
    {
        Assert.Equal(1, Steering.Span(SteeredPositions.All, Prompt, 2).Start);
        Assert.Equal(0, Steering.Span(SteeredPositions.All, Prompt, 2, includeBos: true).Start);
        Assert.Equal(0, Steering.Span(SteeredPositions.All, Prompt[1..], 2).Start);
        Assert.Equal(6, Steering.Span(SteeredPositions.FromLast, Prompt, 2).Start);
        Assert.Equal(1, Steering.Span(SteeredPositions.FromLast, [2], 2).Start);
        Assert.Equal(7, Steering.Span(SteeredPositions.Generated, Prompt, 2).Start);
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        var clean = At(dictionary.OutputSite, []);
        foreach (var mode in Enum.GetValues<SteeringMode>().Except([SteeringMode.Everywhere]))
        {
            var got = At(dictionary.OutputSite, Steering.Edits(mode, [new(dictionary, 3, -2)], _model.Config, new(3, 5)));
            Assert.All(
                Enumerable.Range(0, Prompt.Length),
                row =>
                    Assert.Equal(
                        row is 3 or 4 && clean[row] is var before && TensorPrimitives.Distance<float>(before, got[row]) > 0,
                        !clean[row].SequenceEqual(got[row])
                    )
            );
            Assert.All((int[])[0, 1, 2, 5, 6], row => Assert.Equal(clean[row], got[row]));
        }
    }

    [Fact]
    public void what_cannot_be_steered_is_said()
    {
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        using var attention = Load("gemma-scope-tiny-pt-att", "layer_1", "z.1");
        void Refused(string says, SteeringMode mode, params SteeredFeature[] features) =>
            Assert.Contains(
                says,
                Assert.Throws<ArgumentProblemException>(() => Steering.Edits(mode, features, _model.Config)).Message,
                StringComparison.Ordinal
            );
        Refused("none", SteeringMode.Add);
        Refused("0 to 95", SteeringMode.Add, new SteeredFeature(dictionary, 96, 1));
        Refused("finite", SteeringMode.Add, new SteeredFeature(dictionary, 3, double.PositiveInfinity));
        Refused("twice", SteeringMode.Clamp, new(dictionary, 3, 1), new(dictionary, 3, 2));
        Refused("one coefficient", SteeringMode.Orthogonal, new(dictionary, 3, 1), new(dictionary, 4, 2));
        Refused("residual stream", SteeringMode.Everywhere, new SteeredFeature(attention, 3));
        using var other = GemmaModel.Load(Fixtures.Path("host", "gemma3-text"));
        Assert.Contains(
            "another model",
            Assert.Throws<ArgumentProblemException>(() => Steering.Edits(SteeringMode.Add, [new(dictionary, 3, 1)], other.Config)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void orthogonal_decomposition_is_about_the_span_whatever_spans_it()
    {
        var (site, random) = (Site.ResidPost(0), new Random(3));
        float[] a = Direction(random, _model.Config.Width, 3),
            b = Direction(random, _model.Config.Width, 0.2f);
        float[] c = [.. a.Zip(b, (x, y) => 2 * x - y)];
        var want = At(site, [Edit.ScaleWithin(site, [a, b], 0.5f)]);
        AssertClose(want, At(site, [Edit.ScaleWithin(site, [b, c], 0.5f)]));
        AssertClose(want, At(site, [Edit.ScaleWithin(site, [a, b, c], 0.5f)]));
        AssertClose(At(site, []), At(site, [Edit.ScaleWithin(site, [a, b], -1), Edit.ScaleWithin(site, [c, a], -1)]));
        Assert.Throws<ArgumentProblemException>(() => Edit.ScaleWithin(site, [a, new float[a.Length]], 0));
        Assert.Throws<ArgumentProblemException>(() => Edit.ScaleWithin(site, [a, new float[3]], 0));
        Assert.Throws<ArgumentProblemException>(() => Edit.ScaleWithin(site, [], 0));
    }

    [Fact]
    public void a_vector_that_cancels_a_row_leaves_zeros_and_no_nan()
    {
        var site = Site.ResidPost(0);
        var got = At(
            site,
            [
                Edit.Set(site, Enumerable.Repeat(1f, _model.Config.Width).ToArray()),
                Edit.AddKeepingNorm(site, Enumerable.Repeat(1f, _model.Config.Width).ToArray(), -1),
            ]
        );
        Assert.All(got, row => Assert.All(row, value => Assert.Equal(0, value)));
    }

    /// <summary>Those of one layer; they have one width.</summary>
    public static TheoryData<string> Dictionaries() =>
        [
            .. Cases()
                .Where(one => one.GetProperty("m").ValueKind == JsonValueKind.Number)
                .Select(one => one.GetProperty("name").GetString()!),
        ];

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Dictionaries))]
    public void single_features_are_read_as_the_reference_encodes_them(string name)
    {
        var one = Cases().Single(one => one.GetProperty("name").GetString() == name);
        var path = Fixtures.Path("dictionaries", one.GetProperty("path").GetString()!);
        using var dictionary = SparseDictionary.Load(path);
        using var golden = SafetensorsFile.Open(Fixtures.Path("dictionaries", one.GetProperty("golden").GetString()!));
        var (x, f) = (golden["x"], golden["f"]);
        var readout = new FeatureReadout(dictionary, [.. Enumerable.Range(0, dictionary.Width)]);
        var got = new float[x.Rows * dictionary.Width];
        readout.Read(x.AsMatrix(), got);
        for (var row = 0; row < x.Rows; row++)
        {
            var largest = f.Row(row).ToArray().Max(Math.Abs);
            for (var i = 0; i < dictionary.Width; i++)
                Assert.Equal(f.Row(row)[i], got[row * dictionary.Width + i], 1e-5f * largest);
        }
    }

    [Fact]
    public void reading_single_features_allocates_nothing()
    {
        using var dictionary = Load("gemma-scope-tiny-pt-res", "layer_1", "resid_post.1");
        var readout = new FeatureReadout(dictionary, [3, 40]);
        using var x = Tensor.Zeros(64, dictionary.InputWidth);
        var values = new float[128];
        readout.Read(x.AsMatrix(), values);
        var before = GC.GetAllocatedBytesForCurrentThread();
        readout.Read(x.AsMatrix(), values);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static JsonElement[] Cases() =>
        [.. JsonDocument.Parse(File.ReadAllText(Fixtures.Path("dictionaries", "cases.json"))).RootElement.EnumerateArray()];

    /// <summary>The nearest of the numbers with 8 significant bits.</summary>
    private static float RoundedToBF16(float value) =>
        BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) + 0x8000) & 0xffff0000);

    private static SparseDictionary Load(string name, string layer, string site) =>
        SparseDictionary.Load(
            Directory
                .EnumerateFiles(Fixtures.Path("evaluation", "spliced", "dictionaries", name), "params.*", SearchOption.AllDirectories)
                .Single(path => path.Contains($"{Path.DirectorySeparatorChar}{layer}", StringComparison.Ordinal)),
            new DictionaryLoadOptions { Site = Site.Parse(site) }
        );

    private static float[] Decoder(SparseDictionary dictionary, int feature)
    {
        var vector = new float[dictionary.OutputWidth];
        dictionary.Decoder(feature, vector);
        return vector;
    }

    private static float[] Direction(Random random, int width, float norm)
    {
        float[] vector = [.. Enumerable.Range(0, width).Select(_ => (float)(random.NextDouble() - 0.5))];
        TensorPrimitives.Multiply(vector, norm / TensorPrimitives.Norm<float>(vector), vector);
        return vector;
    }

    private static Tensor Matrix(float[][] rows)
    {
        var matrix = Tensor.Uninitialized(rows.Length, rows[0].Length);
        for (var i = 0; i < rows.Length; i++)
            rows[i].CopyTo(matrix.Row(i));
        return matrix;
    }

    private float[][] At(Site site, IEnumerable<Edit> edits)
    {
        using var run = _model.Run(Prompt, capture: [site], edits: edits, arithmetic: Arithmetic.Exact);
        return Rows(run, site, 0, Prompt.Length);
    }

    /// <summary>The rows of the prompt as the second of three sequences, the first half of which is in a cache.</summary>
    private float[][] Together(Site site, IReadOnlyList<Edit> edits)
    {
        using var first = _model.NewCache();
        using var second = _model.NewCache();
        using var third = _model.NewCache();
        using var start = _model.Run(
            [
                [2, 5],
                Prompt[..3],
                [2],
            ],
            capture: [site],
            edits: edits,
            caches: [first, second, third],
            arithmetic: Arithmetic.Exact
        );
        using var rest = _model.Run(
            [
                [7],
                Prompt[3..],
                [8, 9, 10],
            ],
            capture: [site],
            edits: edits,
            caches: [first, second, third],
            arithmetic: Arithmetic.Exact
        );
        return [.. Rows(start, site, 2, 3), .. Rows(rest, site, 1, Prompt.Length - 3)];
    }

    private static float[][] Rows(ModelRun run, Site site, int first, int count) =>
        [.. Enumerable.Range(first, count).Select(row => run[site].AsMatrix().Row(row).ToArray())];

    private static void AssertClose(float[][] want, float[][] got) =>
        Assert.All(
            want.Zip(got),
            pair =>
                Assert.True(
                    TensorPrimitives.Distance<float>(pair.First, pair.Second)
                        <= 1e-4f * Math.Max(1, TensorPrimitives.Norm<float>(pair.First)),
                    $"{TensorPrimitives.Distance<float>(pair.First, pair.Second)}"
                )
        );
}

using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

[Trait("Category", "Golden")]
public sealed class SurvivalSumsTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Kinds => ["jump_relu", "relu", "top_k", "gated", "scaled"];

    /// <summary>Against dense float64 in plain Python (<c>source/survival.py</c>).</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void survival_and_margins_are_those_of_the_reference(string kind)
    {
        var want = JsonDocument
            .Parse(File.ReadAllText(Fixtures.Path("survival", "cases.json")))
            .RootElement.EnumerateArray()
            .Single(one => one.GetProperty("kind").GetString() == kind);
        using var dictionary = Dictionary(want);
        using Tensor x = Matrix(want.GetProperty("x")),
            y = Matrix(want.GetProperty("y"));
        var sums = new SurvivalSums(dictionary.Width, want.GetProperty("top").GetInt32());
        var margins = new FeatureMargins(dictionary);
        // In two portions, which add up.
        var cut = x.AsMatrix().Rows / 3;
        foreach (var (start, count) in ((int, int)[])[(0, cut), (cut, x.AsMatrix().Rows - cut)])
        {
            var (one, other) = (x.AsMatrix().SliceRows(start, count), y.AsMatrix().SliceRows(start, count));
            var first = dictionary.Encode(one);
            sums.Add(first, dictionary.Encode(other), row => margins.Of(first, row, one.Row(row)));
        }
        Assert.Equal(x.Rows, sums.Rows);
        Assert.Equal(want.GetProperty("survival").GetDouble(), sums.Survival, Tolerance);
        Assert.Equal(want.GetProperty("jaccard").GetDouble(), sums.Jaccard, Tolerance);
        Assert.Equal(want.GetProperty("flips_off").GetDouble(), sums.FlipsOff, Tolerance);
        Assert.Equal(want.GetProperty("flips_on").GetDouble(), sums.FlipsOn, Tolerance);
        Assert.Equal(want.GetProperty("top_kept").GetDouble(), sums.TopKept, Tolerance);
        for (var feature = 0; feature < sums.Width; feature++)
        {
            Assert.Equal(want.GetProperty("first")[feature].GetInt32(), sums.FirstCount(feature));
            Assert.Equal(want.GetProperty("second")[feature].GetInt32(), sums.SecondCount(feature));
            Assert.Equal(want.GetProperty("both")[feature].GetInt32(), sums.BothCount(feature));
            Assert.Equal(Number(want.GetProperty("pearson")[feature]), sums.Pearson(feature), Tolerance);
            Assert.Equal(Number(want.GetProperty("margin")[feature]), sums.MeanMargin(feature), Tolerance);
        }
        foreach (var cell in want.GetProperty("cells").EnumerateArray())
            Assert.Equal(
                (cell.GetProperty("fired").GetInt64(), cell.GetProperty("kept").GetInt64()),
                sums.Cell(cell.GetProperty("from").GetDouble(), cell.GetProperty("below").GetDouble(), cell.GetProperty("class").GetInt32())
            );
    }

    [Fact]
    public void rows_that_do_not_count_are_left_out()
    {
        var sums = new SurvivalSums(4, 2);
        // Row 0: 1 survives, 3 does not. Row 1, which does not count: nothing survives.
        var first = new SparseActivations(4, [0, 2, 3], [1, 3, 0], [2, 1, 5]);
        var second = new SparseActivations(4, [0, 2, 2], [1, 2], [1, 1]);
        sums.Add(first, second, counted: [true, false]);
        Assert.Equal((1, 2, 2, 1), (sums.Rows, sums.First, sums.Second, sums.Both));
        Assert.Equal((0.5, 1 / 3.0, 1, 1, 0.5), (sums.Survival, sums.Jaccard, sums.FlipsOff, sums.FlipsOn, sums.TopKept));
        Assert.Equal(0, sums.FirstCount(0));
    }

    [Fact]
    public void a_feature_that_never_varies_has_no_correlation()
    {
        var sums = new SurvivalSums(1, 1);
        var constant = new SparseActivations(1, [0, 1, 2, 3], [0, 0, 0], [0.1f, 0.1f, 0.1f]);
        sums.Add(constant, new SparseActivations(1, [0, 1, 1, 2], [0, 0], [0.1f, 0.3f]));
        Assert.Equal(double.NaN, sums.Pearson(0));
        Assert.Equal(2 / 3.0, sums.SurvivalOf(0));
    }

    [Fact]
    public void activations_of_another_dictionary_are_refused() =>
        Assert.Throws<ArgumentProblemException>(() =>
            new SurvivalSums(4, 1).Add(new SparseActivations(4, [0, 0], [], []), new SparseActivations(5, [0, 0], [], []))
        );

    private static SparseDictionary Dictionary(JsonElement one)
    {
        var (kind, encoder) = (one.GetProperty("kind").GetString(), Matrix(one.GetProperty("encoder")));
        return new DictionaryParameters
        {
            Activation = kind switch
            {
                "relu" => ActivationFunction.Relu,
                "top_k" => ActivationFunction.TopK,
                "gated" => ActivationFunction.Gated,
                _ => ActivationFunction.JumpRelu,
            },
            Encoder = encoder,
            Decoder = Tensor.Zeros(encoder.Columns, encoder.Rows),
            DecoderBias = Row("decoder_bias"),
            EncoderBias = Row("bias"),
            Threshold = Row("threshold"),
            GateBias = Row("gate"),
            MagnitudeBias = Row("bias"),
            MagnitudeLog = Row("log"),
            K = one.GetProperty("k").GetInt32(),
            InputScale = one.GetProperty("scale").GetSingle(),
            SubtractsDecoderBias = one.GetProperty("subtracts").GetBoolean(),
        }.ToDictionary("planted", Site.ResidPost(0));

        float[] Row(string name) => [.. one.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];
    }

    private static Tensor Matrix(JsonElement rows)
    {
        var result = Tensor.Uninitialized(rows.GetArrayLength(), rows[0].GetArrayLength());
        for (var row = 0; row < result.Rows; row++)
        for (var i = 0; i < result.Columns; i++)
            result.Row(row)[i] = rows[row][i].GetSingle();
        return result;
    }

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.Null ? double.NaN : value.GetDouble();
}

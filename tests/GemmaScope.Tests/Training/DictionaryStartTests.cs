using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Training;
using Xunit;
using static System.Numerics.Tensors.TensorPrimitives;

namespace GemmaScope.Tests.Training;

public class DictionaryStartTests
{
    private const int Width = 12,
        Features = 40,
        Rows = 64;

    private static readonly Dictionary<string, Recipe> Recipes = new()
    {
        ["jumprelu"] = new() { ThresholdStart = 0.2 },
        ["jumprelu log"] = new() { ThresholdStart = 0.2, LogThreshold = true },
        ["jumprelu unsubtracted"] = new() { ThresholdStart = 0.2, SubtractDecoderBias = false },
        ["relu free norm"] = new()
        {
            Architecture = Architecture.Relu,
            Sparsity = SparsityTerm.L1,
            NormWeighted = true,
            UnitNormDecoder = false,
            ProjectDecoderGradient = false,
        },
        ["gated"] = new() { Architecture = Architecture.Gated, Sparsity = SparsityTerm.L1 },
        ["topk"] = new()
        {
            Architecture = Architecture.TopK,
            Sparsity = SparsityTerm.None,
            K = 5,
        },
    };

    public static TheoryData<string> Names => [.. Recipes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void what_begins_with_a_dictionary_does_what_the_dictionary_does_at_any_scale(string name)
    {
        using var trained = Trained(Recipes[name]);
        using var given = trained.ToDictionary("given", 2.5, 2.5);
        using var tuned = DictionaryTrainer.Create(Recipes[name], TrainerShape.Autoencoder(Width, Features), 9);
        tuned.StartFrom([given], [7], [7]);
        using var again = tuned.ToDictionary("again", 7, 7);
        SameOn(Raw(3), given, again);
    }

    [Fact]
    public void vectors_of_other_lengths_become_unit_vectors_and_nothing_else_changes()
    {
        using var trained = Trained(Recipes["relu free norm"]);
        using var given = trained.ToDictionary("given", 2, 2);
        using var tuned = DictionaryTrainer.Create(
            Recipes["relu free norm"] with
            {
                UnitNormDecoder = true,
            },
            TrainerShape.Autoencoder(Width, Features),
            9
        );
        tuned.StartFrom([given], [3], [3]);
        for (var i = 0; i < Features; i++)
            Assert.Equal(1, Norm<float>(tuned.Parameters.Decoder[0].Values.Row(i)), 1e-5);
        using var again = tuned.ToDictionary("again", 3, 3);
        using var x = Raw(3);
        SparseActivations before = given.Encode(x.AsMatrix()),
            after = again.Encode(x.AsMatrix());
        Assert.Equal(Supports(before), Supports(after));
        SameReconstruction(x, (given, before), (again, after));
    }

    [Fact]
    public void a_skip_transcoder_begins_with_its_linear_path()
    {
        var recipe = Recipes["jumprelu"] with { Skip = true };
        using var trained = DictionaryTrainer.Create(recipe, TrainerShape.Transcoder(Width, 8, Features), 3);
        var random = new Random(4);
        foreach (ref var value in trained.Parameters.Skip[0].Values.AsSpan())
            value = random.NextSingle();
        using var given = trained.ToDictionary("given", 2, 5, Site.MlpIn(0), Site.MlpOut(0));
        using var tuned = DictionaryTrainer.Create(recipe, TrainerShape.Transcoder(Width, 8, Features), 9);
        tuned.StartFrom([given], [0.7], [11]);
        using var again = tuned.ToDictionary("again", 0.7, 11, Site.MlpIn(0), Site.MlpOut(0));
        SameOn(Raw(3), given, again);
    }

    [Fact]
    public void batch_topk_goes_on_with_the_mean_threshold_of_a_jumprelu()
    {
        using var trained = Trained(Recipes["jumprelu"]);
        using var given = trained.ToDictionary("given", 2, 2);
        var recipe = Recipes["topk"] with { Architecture = Architecture.BatchTopK };
        using var tuned = DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(Width, Features), 9);
        tuned.StartFrom([given], [4], [4]);
        using var again = tuned.ToDictionary("again", 4, 4);
        SameOn(Raw(3), given, again);
    }

    [Fact]
    public void several_layers_begin_with_a_dictionary_each_and_reconstruct_as_they_do()
    {
        var recipe = Recipes["jumprelu"];
        var givens = Enumerable
            .Range(0, 2)
            .Select(l => Trained(recipe, (ulong)l + 1).ToDictionary("given", 2 + l, 2 + l, Site.ResidPost(l)))
            .ToArray();
        using var tuned = DictionaryTrainer.Create(recipe, TrainerShape.CrossLayer(Width, [Features, Features], true), 9);
        tuned.StartFrom(givens, [3, 5], [3, 5]);
        Site[] sites = [Site.ResidPost(0), Site.ResidPost(1)];
        using var together = tuned.ToDictionary("together", [3, 5], [3, 5], sites, sites);
        using var x = TrainingSamples.Normal(new Random(6), Rows, 2 * Width);
        using var y = together.Decode(together.Encode(x.AsMatrix()));
        for (var l = 0; l < 2; l++)
        {
            var own = x.AsMatrix().SliceColumns(l * Width, Width);
            using var alone = givens[l].Decode(givens[l].Encode(own));
            for (var row = 0; row < Rows; row++)
                Near(alone.Row(row), y.AsMatrix().SliceColumns(l * Width, Width).Row(row));
            givens[l].Dispose();
        }
    }

    [Fact]
    public void of_a_later_layer_those_come_first_that_no_earlier_feature_carries_on()
    {
        var recipe = Recipes["jumprelu"];
        using DictionaryTrainer early = Trained(recipe, 1),
            late = Trained(recipe, 2);
        // Of the later ones 0 and 3 read what the earlier 0 and 2 write.
        early.Parameters.Decoder[0].Values.Row(0).CopyTo(late.Parameters.Encoder[0].Values.Row(0));
        early.Parameters.Decoder[0].Values.Row(2).CopyTo(late.Parameters.Encoder[0].Values.Row(3));
        using SparseDictionary first = early.ToDictionary("early", 1, 1),
            second = late.ToDictionary("late", 1, 1);
        var chosen = StartingFeatures.Choose([(LayerDictionary)first, (LayerDictionary)second], [4, 4]);
        Assert.Equal([0, 1, 2, 3], chosen[0]);
        Assert.DoesNotContain(0, chosen[1]);
        Assert.DoesNotContain(3, chosen[1]);
        Assert.Equal(4, chosen[1].Length);
        Assert.Equal(
            Enumerable.Range(0, Features),
            StartingFeatures.Choose([(LayerDictionary)first, (LayerDictionary)second], [4, Features])[1]
        );
    }

    [Theory]
    [InlineData("topk", "jumprelu", "is of architecture top_k, from which jump_relu cannot begin")]
    [InlineData("jumprelu", "gated", "is of architecture jump_relu, from which gated cannot begin")]
    public void another_architecture_is_refused(string given, string wanted, string message)
    {
        using var trained = Trained(Recipes[given]);
        using var dictionary = trained.ToDictionary("given", 2, 2);
        using var tuned = DictionaryTrainer.Create(Recipes[wanted], TrainerShape.Autoencoder(Width, Features), 9);
        Assert.Contains(message, Assert.Throws<ArgumentProblemException>(() => tuned.StartFrom([dictionary], [1], [1])).Message);
    }

    [Theory]
    [InlineData(Width, Features + 1, "has 40 features where 41 are trained of it (width)")]
    [InlineData(Width + 1, Features, "reads 12 and writes 12 numbers; 13 and 13 are trained")]
    public void another_shape_is_refused(int width, int features, string message)
    {
        using var trained = Trained(Recipes["jumprelu"]);
        using var dictionary = trained.ToDictionary("given", 2, 2);
        using var tuned = DictionaryTrainer.Create(Recipes["jumprelu"], TrainerShape.Autoencoder(width, features), 9);
        Assert.Contains(message, Assert.Throws<ArgumentProblemException>(() => tuned.StartFrom([dictionary], [1], [1])).Message);
    }

    private static DictionaryTrainer Trained(Recipe recipe, ulong seed = 1)
    {
        var trainer = DictionaryTrainer.Create(recipe with { LearningRate = 3e-3 }, TrainerShape.Autoencoder(Width, Features), seed);
        using var x = TrainingSamples.Normal(new Random(2), Rows, Width);
        for (var step = 0; step < 5; step++)
            trainer.Train(x.AsMatrix(), x.AsMatrix());
        return trainer;
    }

    private static Tensor Raw(int seed)
    {
        var x = TrainingSamples.Normal(new Random(seed), Rows, Width);
        Multiply(x.AsSpan(), 3, x.AsSpan());
        return x;
    }

    private static void SameOn(Tensor x, SparseDictionary given, SparseDictionary again)
    {
        SparseActivations before = given.Encode(x.AsMatrix()),
            after = again.Encode(x.AsMatrix());
        Assert.InRange(before.Count, Rows, Rows * Features - 1L);
        Assert.Equal(Supports(before), Supports(after));
        for (var row = 0; row < Rows; row++)
            Near(before.Values(row), after.Values(row));
        SameReconstruction(x, (given, before), (again, after));
        x.Dispose();
    }

    private static void SameReconstruction(
        Tensor x,
        (SparseDictionary Dictionary, SparseActivations Features) given,
        (SparseDictionary Dictionary, SparseActivations Features) again
    )
    {
        using Tensor before = given.Dictionary.Decode(given.Features, x.AsMatrix()),
            after = again.Dictionary.Decode(again.Features, x.AsMatrix());
        Near(before.AsSpan(), after.AsSpan());
    }

    private static int[][] Supports(SparseActivations features) =>
        [.. Enumerable.Range(0, features.Rows).Select(row => features.Indices(row).ToArray())];

    private static void Near(ReadOnlySpan<float> want, ReadOnlySpan<float> got)
    {
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            Assert.Equal(want[i], got[i], 1e-4);
    }
}

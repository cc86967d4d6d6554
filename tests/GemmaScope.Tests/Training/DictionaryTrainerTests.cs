using GemmaScope.Numerics;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public class DictionaryTrainerTests
{
    private const int Width = 20,
        Features = 70,
        Rows = 50;

    private static readonly Recipe Quick = new()
    {
        LearningRate = 2e-3,
        WarmupSteps = 3,
        LambdaWarmupSteps = 5,
        Lambda = 0.01,
        Epsilon = 0.05,
        ThresholdStart = 0.1,
    };

    private static readonly Dictionary<string, Recipe> Recipes = new()
    {
        ["jumprelu"] = Quick,
        ["jumprelu tanh"] = Quick with
        {
            Sparsity = SparsityTerm.Tanh,
            PreActivation = 1e-3,
            UnitNormDecoder = false,
            ProjectDecoderGradient = false,
        },
        ["relu"] = Quick with { Architecture = Architecture.Relu, Sparsity = SparsityTerm.L1, NormWeighted = true },
        ["p-anneal"] = Quick with
        {
            Architecture = Architecture.Relu,
            Sparsity = SparsityTerm.Lp,
            AnnealStart = 1,
            AnnealEnd = 5,
            AnnealUpdates = 3,
        },
        ["gated"] = Quick with { Architecture = Architecture.Gated, Sparsity = SparsityTerm.L1 },
        ["topk with momentum"] = Quick with
        {
            Architecture = Architecture.TopK,
            Sparsity = SparsityTerm.None,
            K = 5,
            Beta1 = 0.9,
            AuxiliaryCoefficient = 1.0 / 32,
            DeadAfterTokens = 100,
        },
        ["matryoshka batch topk"] = Quick with
        {
            Architecture = Architecture.BatchTopK,
            Sparsity = SparsityTerm.None,
            K = 5,
            Prefixes = [7, 30, Features],
            ThresholdRate = 0.2,
        },
    };

    public static TheoryData<string> Names => [.. Recipes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void the_same_seed_gives_the_same_bits(string name)
    {
        using var one = Trained(Recipes[name], 3, 6);
        using var two = Trained(Recipes[name], 3, 6);
        using var other = Trained(Recipes[name], 4, 6);
        Assert.Equal(Bytes(one), Bytes(two));
        Assert.NotEqual(Bytes(one), Bytes(other));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public unsafe void a_trainer_with_the_state_of_another_continues_bit_for_bit(string name)
    {
        using var whole = Trained(Recipes[name], 3, 9);
        using var first = Trained(Recipes[name], 3, 4);
        using var second = DictionaryTrainer.Create(Recipes[name], TrainerShape.Autoencoder(Width, Features), 99);
        foreach (var ((from, source), (to, target)) in first.State.Zip(second.State))
        {
            Assert.Equal(from, to);
            Buffer.MemoryCopy(source.Pointer, target.Pointer, target.ByteLength, source.ByteLength);
        }
        Train(second, 4, 9);
        Assert.Equal(Bytes(whole), Bytes(second));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void training_lowers_the_error(string name)
    {
        using var trainer = DictionaryTrainer.Create(
            Recipes[name] with
            {
                Lambda = 1e-3,
                AnnealStart = 1000,
                AnnealEnd = 2000,
            },
            TrainerShape.Autoencoder(Width, Features),
            1
        );
        using var x = TrainingSamples.Normal(new Random(1), Rows, Width);
        var first = trainer.Train(x.AsMatrix(), x.AsMatrix());
        var last = first;
        for (var step = 0; step < 150; step++)
            last = trainer.Train(x.AsMatrix(), x.AsMatrix());
        Assert.True(last.Mse < 0.7 * first.Mse, $"{first.Mse} became {last.Mse}");
        Assert.InRange(last.Fvu, 0, 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void a_folded_dictionary_does_on_raw_rows_what_the_trained_one_did_on_scaled_rows(string name)
    {
        const float scale = 37.5f;
        using var trainer = Trained(Recipes[name], 3, 6);
        foreach (ref var value in trainer.Parameters.DecoderBias.Values.AsSpan())
            value += 0.03f;
        using var x = TrainingSamples.Normal(new Random(8), Rows, Width);
        using var raw = Tensor.Uninitialized(Rows, Width);
        System.Numerics.Tensors.TensorPrimitives.Multiply(x.AsSpan(), scale, raw.AsSpan());
        using var dictionary = trainer.ToDictionary("trained", scale, scale);
        using var step = trainer.Gradients(x.AsMatrix(), x.AsMatrix());
        var features = dictionary.Encode(raw.AsMatrix());
        // A dictionary trained on whole batches is used with a threshold, so its features are others.
        if (trainer.Recipe.Architecture == Architecture.BatchTopK)
            return;
        Assert.Equal(step.Features.Count, features.Count);
        for (var row = 0; row < Rows; row++)
        {
            Assert.Equal(step.Features.Indices(row).ToArray(), features.Indices(row).ToArray());
            Assert.Equal(
                step.Features.Values(row).ToArray(),
                features.Values(row).ToArray(),
                (want, got) => Math.Abs(got - scale * want) < 1e-5 * scale
            );
        }
        using var decoded = dictionary.Decode(features);
        Assert.Equal(
            step.Reconstruction.AsSpan().ToArray(),
            decoded.AsSpan().ToArray(),
            (want, got) => Math.Abs(got - scale * want) < 1e-5 * scale
        );
    }

    [Fact]
    public void a_batch_topk_dictionary_is_used_with_the_running_threshold()
    {
        using var trainer = Trained(Recipes["matryoshka batch topk"], 3, 30);
        using var x = TrainingSamples.Normal(new Random(8), 400, Width);
        using var dictionary = trainer.ToDictionary("trained", 2, 2);
        using var raw = Tensor.Uninitialized(400, Width);
        System.Numerics.Tensors.TensorPrimitives.Multiply(x.AsSpan(), 2, raw.AsSpan());
        Assert.Equal(GemmaScope.Dictionaries.ActivationFunction.JumpRelu, dictionary.Activation);
        Assert.InRange((double)dictionary.Encode(raw.AsMatrix()).Count / 400, 4, 6);
    }

    [Fact]
    public void a_folded_skip_transcoder_predicts_raw_targets_from_raw_inputs()
    {
        var recipe = Quick with { Skip = true };
        using var trainer = DictionaryTrainer.Create(recipe, TrainerShape.Transcoder(Width, 13, Features), 1);
        using var x = TrainingSamples.Normal(new Random(1), Rows, Width);
        using var y = TrainingSamples.Normal(new Random(2), Rows, 13);
        for (var i = 0; i < 5; i++)
            trainer.Train(x.AsMatrix(), y.AsMatrix());
        using var step = trainer.Gradients(x.AsMatrix(), y.AsMatrix());
        using var dictionary = trainer.ToDictionary("trained", 4, 9);
        using var raw = Tensor.Uninitialized(Rows, Width);
        System.Numerics.Tensors.TensorPrimitives.Multiply(x.AsSpan(), 4, raw.AsSpan());
        using var decoded = dictionary.Decode(dictionary.Encode(raw.AsMatrix()), raw.AsMatrix());
        Assert.Equal(
            step.Reconstruction.AsSpan().ToArray(),
            decoded.AsSpan().ToArray(),
            (want, got) => Math.Abs(got - 9 * want) < 1e-5 * 9
        );
    }

    [Fact]
    public void a_single_prefix_is_no_matryoshka()
    {
        using var plain = Trained(Quick, 3, 6);
        using var nested = Trained(Quick with { Prefixes = [Features] }, 3, 6);
        Assert.Equal(Bytes(plain), Bytes(nested));
    }

    /// <summary>The end is compared loosely: without momentum Adam's first steps see little but the sign of each gradient.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void dense_products_train_what_sums_over_entries_train(string name)
    {
        using var sparse = DictionaryTrainer.Create(Recipes[name], TrainerShape.Autoencoder(Width, Features), 3);
        using var dense = DictionaryTrainer.Create(Recipes[name], TrainerShape.Autoencoder(Width, Features), 3);
        (sparse.DenseShare, dense.DenseShare) = (double.PositiveInfinity, 0);
        Train(sparse, 0, 3);
        Train(dense, 0, 3);
        var (want, got) = (sparse.Parameters.Encoder[0].Values.AsSpan().ToArray(), dense.Parameters.Encoder[0].Values.AsSpan().ToArray());
        Assert.InRange(want.Zip(got, (a, b) => (double)Math.Abs(a - b)).Average(), 0, 1e-5);
    }

    [Fact]
    public void the_order_of_a_matryoshka_matters()
    {
        using var plain = Trained(Quick, 3, 6);
        using var nested = Trained(Quick with { Prefixes = [10, Features] }, 3, 6);
        Assert.NotEqual(Bytes(plain), Bytes(nested));
    }

    [Fact]
    public void looking_at_gradients_changes_nothing()
    {
        using var trainer = Trained(Recipes["topk with momentum"], 3, 6);
        var before = Bytes(trainer);
        using var x = TrainingSamples.Normal(new Random(8), Rows, Width);
        trainer.Gradients(x.AsMatrix(), x.AsMatrix()).Dispose();
        Assert.Equal(before, Bytes(trainer));
    }

    [Fact]
    public void a_loss_that_is_not_finite_stops_before_anything_moves()
    {
        using var trainer = Trained(Quick, 3, 6);
        var before = Bytes(trainer);
        using var x = TrainingSamples.Normal(new Random(8), Rows, Width);
        x.Row(7)[3] = float.NaN;
        Assert.Contains("finite", Assert.Throws<ArgumentProblemException>(() => trainer.Train(x.AsMatrix(), x.AsMatrix())).Message);
        Assert.Equal(before, Bytes(trainer));
    }

    [Fact]
    public void the_geometric_median_does_not_follow_one_far_row()
    {
        using var x = Tensor.From([0, 0, 1, 0, 0, 1, 1, 1, 1000, 1000], 5, 2);
        using var trainer = DictionaryTrainer.Create(
            Quick with
            {
                DecoderBiasStart = DecoderBiasStart.GeometricMedian,
            },
            TrainerShape.Autoencoder(2, 4),
            1
        );
        trainer.Prepare(x.AsMatrix());
        Assert.All(trainer.Parameters.DecoderBias.Values.AsSpan().ToArray(), value => Assert.InRange(value, 0.4f, 1.01f));
    }

    public static TheoryData<string, Recipe> Contradictions =>
        new()
        {
            {
                "sparsity",
                new Recipe { Architecture = Architecture.TopK }
            },
            {
                "sparsity",
                new Recipe { Architecture = Architecture.Relu }
            },
            {
                "sparsity",
                new Recipe { Architecture = Architecture.Gated, Sparsity = SparsityTerm.None }
            },
            {
                "prefixes",
                new Recipe { Prefixes = [10, 20] }
            },
            {
                "prefixes",
                new Recipe { Prefixes = [30, 10, Features] }
            },
            {
                "auxiliary_coefficient",
                new Recipe { AuxiliaryCoefficient = 1 }
            },
            {
                "epsilon",
                new Recipe { Epsilon = 0 }
            },
            {
                "beta1",
                new Recipe { Beta1 = 1 }
            },
            {
                "decay_end",
                new Recipe { DecayStart = 5 }
            },
            {
                "l0_target",
                new Recipe { Sparsity = SparsityTerm.L0Target, L0Target = 0 }
            },
            {
                "k",
                new Recipe
                {
                    Architecture = Architecture.TopK,
                    Sparsity = SparsityTerm.None,
                    K = Features + 1,
                }
            },
        };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void a_recipe_that_contradicts_itself_is_refused_by_name(string argument, Recipe recipe) =>
        Assert.Equal(
            argument,
            Assert
                .Throws<ArgumentProblemException>(() => DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(Width, Features), 1))
                .Location
        );

    private static DictionaryTrainer Trained(Recipe recipe, ulong seed, int steps)
    {
        var trainer = DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(Width, Features), seed);
        Train(trainer, 0, steps);
        return trainer;
    }

    private static void Train(DictionaryTrainer trainer, int from, int to)
    {
        for (var step = from; step < to; step++)
        {
            using var x = TrainingSamples.Normal(new Random(100 + step), Rows, Width);
            trainer.Train(x.AsMatrix(), x.AsMatrix());
        }
    }

    private static unsafe byte[] Bytes(DictionaryTrainer trainer) =>
        [.. trainer.State.SelectMany(state => new ReadOnlySpan<byte>(state.Tensor.Pointer, (int)state.Tensor.ByteLength).ToArray())];
}

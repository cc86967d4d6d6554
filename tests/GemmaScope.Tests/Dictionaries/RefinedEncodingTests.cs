using GemmaScope.Dictionaries;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

/// <summary>Numbers that can be worked out by hand; <c>SynthVerifier</c> has the goldens.</summary>
public class RefinedEncodingTests
{
    [Fact]
    public void a_step_of_iterated_shrinkage_moves_the_row_by_what_was_left_over()
    {
        using var dictionary = Dictionary();
        using var x = Tensor.From([4, 0], 1, 2);
        // f = (4, 2.4) of directions (1, 0) and (0.6, 0.8): x - x^ = (4 - 4 - 1.44, -1.92), half of which changes z by (-0.72, -1.2).
        var refined = new ListaEncoder(dictionary, [0.5]).Encode(x.AsMatrix());
        Assert.Equal([3.28f, 1.2f], refined.Values(0).ToArray().Select(value => MathF.Round(value, 4)));
        Assert.Equal([3.28f], new ListaEncoder(
                dictionary,
                [0.5],
                [
                    [1.3f, 1.3f],
                ]
            ).Encode(x.AsMatrix()).Values(0).ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(
            [4, 2.4f],
            new ListaEncoder(dictionary, []).Encode(x.AsMatrix()).Values(0).ToArray(),
            (a, b) => Math.Abs(a - b) < 1e-4
        );
    }

    [Fact]
    public void leaving_one_out_keeps_what_the_others_do_not_account_for()
    {
        using var dictionary = Dictionary();
        using var x = Tensor.From([4, 0], 1, 2);
        var features = dictionary.Encode(x.AsMatrix());
        // Without the second feature (1, 0) has 4 - 1.44 left; without the first the second has nothing.
        var kept = LeaveOneOut.Filter(dictionary, x.AsMatrix(), features, 0.5);
        Assert.Equal([0], kept.Indices(0).ToArray());
        Assert.Equal([4f], kept.Values(0).ToArray());
        Assert.Empty(LeaveOneOut.Filter(dictionary, x.AsMatrix(), features, 2.6).Indices(0).ToArray());
    }

    [Fact]
    public void dictionaries_that_have_no_such_refinement_are_refused()
    {
        using var topK = Dictionary(ActivationFunction.TopK);
        Assert.Contains("ReLU or JumpReLU", Assert.Throws<ArgumentProblemException>(() => new ListaEncoder(topK, [0.3])).Message);
        using var dictionary = Dictionary();
        Assert.Contains(
            "1 lists of 2",
            Assert
                .Throws<ArgumentProblemException>(() =>
                    new ListaEncoder(
                        dictionary,
                        [0.3],
                        [
                            [1],
                        ]
                    )
                )
                .Message
        );
    }

    private static SparseDictionary Dictionary(ActivationFunction function = ActivationFunction.Relu) =>
        new DictionaryParameters
        {
            Activation = function,
            Encoder = Tensor.From([1, 0.6f, 0, 0.8f], 2, 2),
            Decoder = Tensor.From([1, 0, 0.6f, 0.8f], 2, 2),
            EncoderBias = [0, 0],
            DecoderBias = [0, 0],
            K = function == ActivationFunction.TopK ? 1 : null,
        }.ToDictionary("small");
}

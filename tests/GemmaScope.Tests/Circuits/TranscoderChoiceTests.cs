using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class TranscoderChoiceTests
{
    [Fact]
    public void of_many_dictionaries_the_family_of_the_most_layers_is_taken_and_of_each_layer_the_sparsest()
    {
        using var other = Sae("layer_0_width_8_l0_3");
        SparseDictionary[] all =
        [
            other,
            Named("wide/layer_0_width_80_l0_9", 0, 80),
            Named("layer_1_width_40_l0_60", 1),
            Named("layer_1_width_40_l0_20", 1),
            Named("layer_0_width_40_l0_31", 0),
            Named("layer_2_width_40_l0_33", 2),
        ];
        Assert.Equal(
            ["layer_0_width_40_l0_31", "layer_1_width_40_l0_20", "layer_2_width_40_l0_33"],
            TranscoderChoice.Family(all).Select(one => one.Name).Order()
        );
        Assert.Empty(TranscoderChoice.Family([other]));
        Array.ForEach(all, one => one.Dispose());
    }

    [Theory]
    [InlineData("gemma-scope-2b-pt-transcoders/layer_3/width_16k/average_l0_54", 54)]
    [InlineData("layer_3_width_2k_l0_29_affine", 29)]
    [InlineData("layer_3_width_16k_l0_small", null)]
    [InlineData("layer_3", null)]
    public void an_l0_is_found_in_a_name(string name, int? l0) => Assert.Equal(l0, TranscoderChoice.L0(name));

    private static SparseDictionary Named(string name, int layer, int features = 40) =>
        Of(name, features, new Site(SiteKind.MlpIn, layer), Site.MlpOut(layer));

    private static SparseDictionary Sae(string name) => Of(name, 8, Site.ResidPost(0), Site.ResidPost(0));

    private static SparseDictionary Of(string name, int features, Site input, Site output) =>
        new DictionaryParameters
        {
            Activation = ActivationFunction.Relu,
            Encoder = Tensor.Zeros(4, features),
            Decoder = Tensor.Zeros(features, 4),
            DecoderBias = new float[4],
            EncoderBias = new float[features],
        }.ToDictionary(name, input, output);
}

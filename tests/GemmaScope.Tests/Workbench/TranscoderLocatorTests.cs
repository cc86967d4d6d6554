using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public class TranscoderLocatorTests
{
    [Theory]
    [InlineData("gemma-scope-2-1b-pt/transcoder_all/width_16k_l0_small", "layer_25_width_16k_l0_small")]
    [InlineData("google/gemma-scope-2-1b-pt/transcoder_all/width_16k_l0_small_affine", "layer_25_width_16k_l0_small_affine")]
    [InlineData("gemma-scope-2b-pt-transcoders/width_16k", "layer_25/width_16k/average_l0_")]
    public void a_set_is_named_as_its_dictionaries_without_the_layer(string name, string last)
    {
        var members = TranscoderLocator.Members(name);
        Assert.Equal(26, members.Count);
        Assert.Equal(26, members.Distinct().Count());
        Assert.All(members, (member, layer) => Assert.Contains($"/layer_{layer}", member));
        Assert.Contains(last, members[^1]);
    }

    [Fact]
    public void of_several_of_a_layer_the_sparsest_is_a_member() =>
        Assert.EndsWith("/average_l0_76", TranscoderLocator.Members("gemma-scope-2b-pt-transcoders/width_16k")[0]);

    [Theory]
    [InlineData("gemma-scope-2-1b-pt/transcoder_all/layer_3_width_16k_l0_small")]
    [InlineData("somebody/transcoders")]
    public void any_other_name_stands_for_itself(string name) => Assert.Equal([name], TranscoderLocator.Members(name));
}

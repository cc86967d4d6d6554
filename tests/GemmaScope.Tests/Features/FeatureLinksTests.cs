using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Tests.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Features;

public sealed class FeatureLinksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    // The tutorial's dictionary, which is the canonical one of its layer and width.
    [InlineData("gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71", "gemma-2-2b/20-gemmascope-res-16k")]
    [InlineData("gemma-scope-2b-pt-res/layer_5/width_16k/average_l0_34", "gemma-2-2b/5-gemmascope-res-16k__l0-34")]
    [InlineData("gemma-scope-2b-pt-res/layer_5/width_1m/average_l0_114", "gemma-2-2b/5-gemmascope-res-1m")]
    [InlineData("gemma-scope-2b-pt-att/layer_10/width_65k/average_l0_67", "gemma-2-2b/10-gemmascope-att-65k")]
    [InlineData("gemma-scope-2b-pt-transcoders/layer_19/width_16k/average_l0_12", "gemma-2-2b/19-gemmascope-transcoder-16k")]
    [InlineData("gemma-scope-9b-it-res/layer_9/width_16k/average_l0_88", "gemma-2-9b-it/9-gemmascope-res-16k")]
    [InlineData("gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_20", null)]
    [InlineData("own/resid_post/layer_20/width_16k/average_l0_71", null)]
    public void the_dashboards_of_gemma_scope_1_are_found(string path, string? source)
    {
        using var dictionary = SparseDictionary.Load(SampleDictionaries.WriteScopeOne(_folder.Path, path, 4, 6));
        var links = new FeatureLinks("gemma-2-2b", dictionary);
        Assert.Equal(source is null ? null : $"https://www.neuronpedia.org/{source}/3", links.Neuronpedia(3));
        Assert.Equal(
            source is null ? $"/gemma-2-2b/{dictionary.Name.Replace('/', '-')}/3" : $"/gemma-2-2b/{source.Split('/')[1]}/3",
            links.Page(3)
        );
    }

    [Theory]
    [InlineData("resid_post/layer_13_width_16k_l0_medium", "https://www.neuronpedia.org/gemma-3-1b/13-gemmascope-2-res-16k/3")]
    [InlineData("resid_post_all/layer_3_width_16k_l0_small", null)]
    [InlineData("mlp_out/layer_17_width_65k_l0_medium", null)]
    public void of_gemma_scope_2_only_what_is_known_is_linked(string path, string? address)
    {
        using var dictionary = SparseDictionary.Load(
            Fixtures.Path(["dictionaries", "gemma_scope_2", "gemma-scope-2-1b-pt", .. path.Split('/')])
        );
        Assert.Equal(address, new FeatureLinks("gemma-3-1b-pt", dictionary).Neuronpedia(3));
    }

    [Fact]
    public void names_are_escaped_in_addresses()
    {
        using var dictionary = SparseDictionary.Load(SampleDictionaries.WriteScopeOne(_folder.Path, "a b", 4, 6));
        Assert.StartsWith("/my%20model/", new FeatureLinks("my model", dictionary).Page(0));
    }
}

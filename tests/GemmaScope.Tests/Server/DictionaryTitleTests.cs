using GemmaScope.Dictionaries;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Tests.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What dictionaries are called.</summary>
public class DictionaryTitleTests(LayersServer layers)
{
    private static DictionaryTitle Stored(string name, int width, string? hook, string set = "set", int layer = 3) =>
        DictionaryTitle.Of(
            new StoredDictionary(1, "model", name, width, width, true, ""),
            new DashboardSource
            {
                Model = "model",
                Set = set,
                Layer = layer,
                Hook = hook,
                Corpus = new(1, 4, 3, 4),
                Pieces = [],
            }
        );

    [Theory]
    [InlineData("resid_post-layer_3-width_2k-average_l0_35", 2048, "blocks.3.hook_resid_post", "x", "layer 3 · residual · 2k")]
    [InlineData("20-gemmascope-res-16k", 16384, null, "gemmascope-res-16k", "layer 3 · residual · 16k")]
    [InlineData("20-gemmascope-att-65k", 65536, null, "gemmascope-att-65k", "layer 3 · attention · 65k")]
    [InlineData("attn", 131072, "blocks.3.attn.hook_z", "x", "layer 3 · attention · 131k")]
    [InlineData("mid", 1 << 20, "blocks.3.hook_resid_mid", "x", "layer 3 · residual mid · 1m")]
    [InlineData("mlp", 1000, "blocks.3.hook_mlp_out", "x", "layer 3 · MLP · 1k")]
    [InlineData("mlp", 999, null, "gemmascope-mlp-16k", "layer 3 · MLP · 999")]
    [InlineData("20-gemmascope-transcoders-16k", 1536, null, "gemmascope-transcoders-16k", "layer 3 · transcoder · 1.5k")]
    [InlineData("clt-width_16k", 16384, "blocks.3.hook_mlp_in", "x", "layer 3 · cross-layer · 16k")]
    [InlineData("tiny", 3, null, "mine", "layer 3 · mine · 3")]
    public void a_stored_dictionary_is_called_by_layer_site_and_width(string name, int width, string? hook, string set, string title) =>
        Assert.Equal(title, Stored(name, width, hook, set).Text);

    [Fact]
    public void one_in_memory_is_called_the_same_whether_it_is_stored_or_not()
    {
        using var folder = new TemporaryFolder();
        using var samples = new SampleLayers(folder.Path, 8, [0, 2]);
        foreach (var (dictionary, layer) in samples.Dictionaries.Zip((int[])[0, 2]))
        {
            Assert.Equal($"layer {layer} · residual · 64", DictionaryTitle.Of("name", dictionary).Text);
            Assert.Equal(
                DictionaryTitle.Of("name", dictionary),
                Stored("name", dictionary.Width, dictionary.InputSite.TransformerLensName, layer: layer)
            );
        }
    }

    [Theory]
    [InlineData(
        "gemma/layer_3/width_16k/average_l0_35, gemma/layer_3/width_16k/average_l0_71",
        "layer 3 · residual · 16k · L0 35, layer 3 · residual · 16k · L0 71"
    )]
    [InlineData("layer_3_l0_small, layer_3_l0_big", "layer 3 · residual · 16k · L0 small, layer 3 · residual · 16k · L0 big")]
    // One of them may have nothing to add.
    [InlineData("3-gemmascope-res-16k, layer_3_l0_71", "layer 3 · residual · 16k, layer 3 · residual · 16k · L0 71")]
    // What else differs, if the L0 does not.
    [InlineData("relu_l0_35, topk_l0_35", "layer 3 · residual · 16k · relu, layer 3 · residual · 16k · topk")]
    [InlineData("sweep-lambda_0.001, sweep-lambda_0.1", "layer 3 · residual · 16k · lambda 0.001, layer 3 · residual · 16k · lambda 0.1")]
    [InlineData("x_l0_35, x_l0_35~2", "layer 3 · residual · 16k, layer 3 · residual · 16k · 2")]
    [InlineData("a-b, b-a", "layer 3 · residual · 16k · a-b, layer 3 · residual · 16k · b-a")]
    public void what_would_be_called_the_same_says_what_tells_it_apart(string names, string titles) =>
        Assert.Equal(
            titles.Split(", "),
            DictionaryTitle.Apart(names.Split(", ").Select(name => Stored(name, 16384, "blocks.3.hook_resid_post"))).Select(one => one.Text)
        );

    [Fact]
    public void only_those_of_one_model_have_to_be_told_apart()
    {
        var titles = new DictionaryTitles(
            ((string, string)[])[("one", "x_l0_3"), ("other", "x_l0_4")] is var names
                ? names.Select(one => (one.Item1, Stored(one.Item2, 64, "blocks.3.hook_resid_post")))
                : []
        );
        Assert.Equal("layer 3 · residual · 64", titles["one", "x_l0_3"].Text);
        Assert.Equal("layer 3 · residual · 64", titles["other", "x_l0_4"].Text);
        // Of what is not known only the name can be said.
        Assert.Equal("x_l0_4", titles["one", "x_l0_4"].Text);
    }

    [Fact]
    public async Task pages_say_the_title_and_the_name_stands_in_the_address()
    {
        using var client = new HttpClient { BaseAddress = await layers.Address(), Timeout = Patience.Limit };
        foreach (var stored in (await layers.Database()).Dictionaries())
        {
            var page = await client.GetStringAsync($"/{stored.Model}/{stored.Name}/0");
            Assert.Matches($"href=\"/[^\"]*{stored.Name}\" title=\"{stored.Name}\">layer \\d · residual · (2k|32)", page);
        }
    }
}

using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public class HubOptionsTests
{
    private static HubOptions From(params (string Name, string Value)[] variables) =>
        HubOptions.FromEnvironment(
            variables.Prepend((Name: "HOME", Value: "/home/ada")).ToDictionary(v => v.Name, v => v.Value).GetValueOrDefault
        );

    [Fact]
    public void the_cache_is_where_huggingface_hub_has_it()
    {
        Assert.Equal("/home/ada/.cache/huggingface/hub", From().CacheFolder);
        Assert.Equal("/x/huggingface/hub", From(("XDG_CACHE_HOME", "/x")).CacheFolder);
        Assert.Equal("/h/hub", From(("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/h")).CacheFolder);
        Assert.Equal("/old", From(("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheFolder);
        Assert.Equal("/home/ada/c", From(("HF_HUB_CACHE", "~/c"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheFolder);
        Assert.Equal("/scratch/ada/hub", From(("HF_HOME", "$SCRATCH/ada"), ("SCRATCH", "/scratch")).CacheFolder);
    }

    [Fact]
    public void a_token_comes_from_the_environment_before_the_file()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "token");
        File.WriteAllText(file, "hf_file\n");
        Assert.Equal("hf_file", From(("HF_HOME", folder.Path)).Token);
        Assert.Equal("hf_file", From(("HF_TOKEN_PATH", file)).Token);
        Assert.Equal("hf_old", From(("HF_TOKEN_PATH", file), ("HUGGING_FACE_HUB_TOKEN", "hf_old")).Token);
        Assert.Equal("hf_new", From(("HUGGING_FACE_HUB_TOKEN", "hf_old"), ("HF_TOKEN", " hf_new\n")).Token);
        Assert.Null(From(("HF_TOKEN_PATH", file + "-none")).Token);
    }

    [Fact]
    public void flags_and_address_are_read()
    {
        Assert.False(From().Offline);
        Assert.True(From(("HF_HUB_OFFLINE", "1")).Offline);
        Assert.True(From(("TRANSFORMERS_OFFLINE", "yes")).Offline);
        Assert.False(From(("HF_HUB_OFFLINE", "0")).Offline);
        Assert.Equal("https://huggingface.co/", From().Endpoint.AbsoluteUri);
        Assert.Equal("https://mirror.example/hf", From(("HF_ENDPOINT", "https://mirror.example/hf")).Endpoint.AbsoluteUri);
        Assert.Equal("HF_ENDPOINT", Assert.Throws<ArgumentProblemException>(() => From(("HF_ENDPOINT", "mirror"))).Location);
    }

    [Fact]
    public void printed_options_do_not_show_the_token() =>
        Assert.DoesNotContain("hf_secret", From(("HF_TOKEN", "hf_secret")).ToString(), StringComparison.Ordinal);
}

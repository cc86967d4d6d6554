using Xunit;

namespace GemmaScope.Tests.Cli;

public class InfoCommandTests
{
    [Fact]
    public void the_machine_is_described_without_a_model()
    {
        var run = CommandLine.Run("info");
        Assert.All(
            ["version", "kernels", "arithmetic", "threads", "memory"],
            name => Assert.Contains(run.Lines, line => line.StartsWith(name))
        );
    }

    [Fact]
    public void a_model_is_described_with_its_shape()
    {
        var model = CommandLine.Run("info", "demo-pt", "--json").Json().GetProperty("model");
        Assert.Equal("gemma2", model.GetProperty("model_type").GetString());
        Assert.Equal(6, model.GetProperty("num_hidden_layers").GetInt32());
        Assert.Equal(50, model.GetProperty("attn_logit_softcapping").GetDouble());
    }

    [Fact]
    public void an_unknown_model_is_refused() => CommandLine.Run("info", "nosuch").IsRefused("nosuch");

    [Fact]
    public void sites_have_three_names()
    {
        var run = CommandLine.Run("sites", "--layer", "3");
        Assert.Contains(
            run.Lines,
            line =>
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    is ["resid_post.3", "blocks.3.hook_resid_post", "model.layers.3.output", "256"]
        );
    }

    [Fact]
    public void all_sites_are_those_of_every_layer()
    {
        var sites = CommandLine.Run("sites", "--all", "--json").Json().GetProperty("sites").EnumerateArray().ToArray();
        Assert.Equal(6, sites.Count(site => site.GetProperty("site").GetString()!.StartsWith("resid_post.")));
    }

    [Theory]
    [InlineData("6")]
    [InlineData("-1")]
    public void a_layer_the_model_does_not_have_is_refused(string layer) =>
        CommandLine.Run("sites", "--layer", layer).IsRefused("layers are 0 to 5");
}

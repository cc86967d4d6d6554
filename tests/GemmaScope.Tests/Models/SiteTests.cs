using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

public class SiteTests
{
    private static IEnumerable<Site> All(int layers) =>
        Enum.GetValues<SiteKind>()
            .SelectMany(kind => Enumerable.Range(0, Site.IsGlobal(kind) ? 1 : layers).Select(layer => new Site(kind, layer)));

    [Fact]
    public void every_site_reads_back_from_each_of_its_names() =>
        Assert.All(
            All(30),
            site =>
            {
                Assert.Equal(site, Site.Parse(site.ToString()));
                if (site.TransformerLensName is { } lens)
                    Assert.Equal(site, Site.Parse(lens));
                if (site.HuggingFaceName is { } module)
                {
                    Assert.Equal(site, Site.Parse(module));
                    if (module.StartsWith("model.", StringComparison.Ordinal))
                        Assert.Equal(site, Site.Parse("language_model." + module));
                }
            }
        );

    [Theory]
    [InlineData("model.layers.20.output", "resid_post.20")]
    [InlineData("blocks.20.hook_resid_post", "resid_post.20")]
    [InlineData("model.layers.3.self_attn.o_proj.input", "z.3")]
    [InlineData("blocks.3.attn.hook_z", "z.3")]
    [InlineData("model.layers.5.post_feedforward_layernorm.output", "mlp_out.5")]
    [InlineData("blocks.5.hook_mlp_out", "mlp_out.5")]
    [InlineData("model.layers.5.pre_feedforward_layernorm.output", "mlp_in.5")]
    [InlineData("model.language_model.layers.5.output", "resid_post.5")]
    [InlineData("blocks.5.ln2.hook_normalized", "ln2_normalized.5")]
    [InlineData("model.layers.5.mlp.output", "mlp_out_raw.5")]
    [InlineData(" logits ", "logits")]
    public void names_of_other_programs_are_understood(string name, string ours) => Assert.Equal(ours, Site.Parse(name).ToString());

    [Theory]
    [InlineData("resid_post")]
    [InlineData("resid_post.")]
    [InlineData("resid_post.-1")]
    [InlineData("resid_post.99999999999")]
    [InlineData("logits.3")]
    [InlineData("blocks.hook_resid_post")]
    [InlineData("model.layers.1.2.output")]
    [InlineData("")]
    [InlineData("#")]
    [InlineData("resid_post.#")]
    public void what_is_no_site_is_refused_with_examples(string name) =>
        Assert.Contains("resid_post.20", Assert.Throws<ArgumentProblemException>(() => Site.Parse(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void any_text_is_either_a_site_or_refused() =>
        Prop.ForAll<string>(text => !Site.TryParse(text ?? "", out var site) || Site.Parse(site.ToString()) == site)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void lists_take_wildcards_and_ranges()
    {
        Assert.Equal(
            ["resid_post.0", "resid_post.1", "resid_post.2", "z.1", "embed", "mlp_out.0", "mlp_out.1"],
            Site.ParseList("resid_post.*, z.1,embed,mlp_out.0-1", 3).Select(s => s.ToString())
        );
        Assert.Throws<ArgumentProblemException>(() => Site.ParseList("z.3", 3));
        Assert.Throws<ArgumentProblemException>(() => Site.ParseList("z.2-1", 3));
    }

    [Fact]
    public void sites_sort_in_order_of_computation()
    {
        Site[] order =
        [
            Site.Embed,
            Site.ResidPre(0),
            Site.Z(0),
            Site.ResidMid(0),
            Site.MlpOut(0),
            Site.ResidPost(0),
            Site.ResidPre(1),
            Site.ResidPost(200),
            new(SiteKind.LnFinalNormalized),
            new(SiteKind.FinalNormOut),
            new(SiteKind.LogitsRaw),
            new(SiteKind.Logits),
        ];
        Assert.Equal(order, order.Reverse().Order());
        Assert.True(order[0] < order[1] && order[^1] > order[^2]);
    }
}

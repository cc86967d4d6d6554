using GemmaScope.Models;
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

    [Fact]
    public void a_description_of_another_program_says_where_each_lies_and_reads()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "config.yaml",
            """
            model_name: google/gemma-2-2b
            model_kind: transcoder_set
            feature_input_hook: ln2.hook_normalized
            feature_output_hook: hook_mlp_out
            transcoders:
              - "hf://google/gemma-scope-2b-pt-transcoders/layer_0/width_16k/average_l0_76/params.npz"
              - "hf://someone/set/layer_1.safetensors?revision=v1"
              - layer_2.safetensors
            """
        );
        foreach (var path in (string[])[file, folder.Path])
        {
            var set = TranscoderSetFile.Find(path)!;
            Assert.Equal(
                [
                    "google/gemma-scope-2b-pt-transcoders/layer_0/width_16k/average_l0_76",
                    "someone/set@v1/layer_1.safetensors",
                    folder.File("layer_2.safetensors"),
                ],
                set.Members
            );
            Assert.Equal(SiteKind.Ln2Normalized, set.Input);
        }
        Assert.Contains(
            "hf://nobody",
            Assert
                .Throws<FileFormatException>(() => TranscoderSetFile.Find(folder.Write("bad.yaml", "transcoders: ['hf://nobody']")))
                .Message
        );
        Assert.Contains(
            "'transcoders'",
            Assert.Throws<FileFormatException>(() => TranscoderSetFile.Find(folder.Write("none.yaml", "model_kind: x"))).Message
        );
        // Its transcoders lie in the folder itself.
        folder.Write("config.yaml", "model_kind: transcoder_set\nfeature_input_hook: mlp.hook_in");
        Assert.Null(TranscoderSetFile.Find(folder.Path));
    }
}

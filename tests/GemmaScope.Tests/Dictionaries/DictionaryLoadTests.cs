using GemmaScope.Dictionaries;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public sealed class DictionaryLoadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(
        "gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
        "resid_post.20",
        "resid_post.20",
        "gemma-2-2b",
        "layer_20/width_16k/average_l0_71"
    )]
    [InlineData(
        "gemma-scope-9b-it-res/layer_9/width_16k/average_l0_88",
        "resid_post.9",
        "resid_post.9",
        "gemma-2-9b-it",
        "layer_9/width_16k/average_l0_88"
    )]
    [InlineData("gemma-scope-2b-pt-att/layer_3/width_65k/average_l0_22", "z.3", "z.3", "gemma-2-2b", "layer_3/width_65k/average_l0_22")]
    [InlineData(
        "gemma-scope-2b-pt-mlp/layer_4/width_16k/average_l0_85",
        "mlp_out.4",
        "mlp_out.4",
        "gemma-2-2b",
        "layer_4/width_16k/average_l0_85"
    )]
    [InlineData(
        "gemma-scope-2b-pt-transcoders/layer_5/width_16k/average_l0_12",
        "ln2_normalized.5",
        "mlp_out.5",
        "gemma-2-2b",
        "layer_5/width_16k/average_l0_12"
    )]
    [InlineData("gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", "embed", "embed", "gemma-2-2b", "embedding/width_4k/average_l0_6")]
    [InlineData("own/z/layer_1/width_1k/average_l0_9", "z.1", "z.1", null, "z/layer_1/width_1k/average_l0_9")]
    [InlineData(
        "models--google--gemma-scope-2b-pt-res/snapshots/0123/layer_2/width_16k/average_l0_7",
        "resid_post.2",
        "resid_post.2",
        "gemma-2-2b",
        "layer_2/width_16k/average_l0_7"
    )]
    public void the_path_of_a_gemma_scope_1_file_says_its_sites(string path, string input, string output, string? model, string name)
    {
        using var dictionary = SparseDictionary.Load(SampleDictionaries.WriteScopeOne(_folder.Path, path, 4, 6));
        Assert.Equal((input, output), (dictionary.InputSite.ToString(), dictionary.OutputSite.ToString()));
        Assert.Equal((model, name), (dictionary.Origin.Model, dictionary.Name));
        Assert.Equal(input != output ? DictionaryKind.Transcoder : DictionaryKind.Sae, dictionary.Kind);
        Assert.Empty(dictionary.Warnings);
    }

    [Fact]
    public void the_folder_of_a_file_is_as_good_as_the_file()
    {
        var file = SampleDictionaries.WriteScopeOne(_folder.Path, "gemma-scope-2b-pt-res/layer_2/width_16k/average_l0_7", 4, 6);
        using var dictionary = SparseDictionary.Load(Path.GetDirectoryName(file)!);
        Assert.Equal("resid_post.2", dictionary.InputSite.ToString());
    }

    [Fact]
    public void a_site_that_nothing_says_is_asked_for_and_can_be_given()
    {
        var file = SampleDictionaries.WriteScopeOne(_folder.Path, "somewhere", 4, 6);
        using (var unknown = SparseDictionary.Load(file))
        {
            Assert.False(unknown.HasSites);
            Assert.NotEmpty(unknown.Warnings);
            var problem = Assert.Throws<ArgumentProblemException>(() => unknown.InputSite);
            Assert.Contains(problem.Remedy!.Settings, setting => setting.Name == "Site");
        }
        using var sae = SparseDictionary.Load(file, new() { Site = Site.ResidPost(3) });
        Assert.Equal((Site.ResidPost(3), Site.ResidPost(3), DictionaryKind.Sae), (sae.InputSite, sae.OutputSite, sae.Kind));
        using var transcoder = SparseDictionary.Load(file, new() { Site = Site.MlpIn(3) });
        Assert.Equal((Site.MlpOut(3), DictionaryKind.Transcoder), (transcoder.OutputSite, transcoder.Kind));
        Assert.Empty(transcoder.Warnings);
    }

    [Fact]
    public void embedding_dictionaries_read_unscaled_embeddings()
    {
        const int model = 4;
        var file = SampleDictionaries.WriteScopeOne(_folder.Path, "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", model, 6);
        var plain = SampleDictionaries.WriteScopeOne(_folder.Path, "gemma-scope-2b-pt-res/layer_1/width_4k/average_l0_6", model, 6);
        using var embedding = SparseDictionary.Load(file);
        using var same = SparseDictionary.Load(plain);
        using var x = SampleDictionaries.Integers(new Random(3), 3, 8, model);
        using var scaled = GemmaScope.Numerics.Tensor.Zeros(8, model);
        for (var i = 0; i < scaled.Length; i++)
            scaled.AsSpan()[i] = x.AsSpan()[i] * 2;
        var (features, want) = (embedding.Encode(scaled.AsMatrix()), same.Encode(x.AsMatrix()));
        for (var row = 0; row < 8; row++)
            Assert.Equal(want.Values(row).ToArray(), features.Values(row).ToArray());
        using var decoded = embedding.Decode(features);
        using var half = same.Decode(want);
        Assert.Equal(half.AsSpan().ToArray().Select(value => value * 2), decoded.AsSpan().ToArray());
        var (vector, other) = (new float[model], new float[model]);
        embedding.Decoder(2, vector);
        same.Decoder(2, other);
        Assert.Equal(other.Select(value => value * 2), vector);
    }

    [Fact]
    public void a_folder_without_a_dictionary_names_those_below_it()
    {
        SampleDictionaries.WriteScopeOne(_folder.Path, "layer_2/width_16k/average_l0_7", 4, 6);
        var error = Assert.Throws<FileFormatException>(() => SparseDictionary.Load(_folder.Path));
        Assert.Contains(Path.Combine("layer_2", "width_16k", "average_l0_7"), error.Message);
    }

    [Theory]
    [InlineData("nothing-here")]
    [InlineData("nothing-here/params.npz")]
    public void a_path_that_does_not_exist_is_said_so(string path) =>
        Assert.Contains(
            "there is no such",
            Assert.Throws<ArgumentProblemException>(() => SparseDictionary.Load(_folder.File(path))).Message
        );

    [Fact]
    public void weights_are_checked_unless_told_otherwise()
    {
        var file = Fixtures.Path("dictionaries", "malformed", "npz", "nan_w_dec.npz");
        Assert.Contains("NaN", Assert.Throws<FileFormatException>(() => SparseDictionary.Load(file)).Message);
        using var unchecked_ = SparseDictionary.Load(file, new() { CheckWeights = false });
        Assert.Equal(10, unchecked_.Width);
    }

    [Theory]
    [InlineData("\"model.layers.{layer}.output\"")]
    [InlineData("\"model.layers.7.output\"")]
    [InlineData("\"model.layers.7.output, model.layers.13.output, model.layers.17.output, model.layers.22.output\"")]
    [InlineData("[\"model.layers.7.output\", \"model.layers.13.output\", \"model.layers.17.output\", \"model.layers.22.output\"]")]
    public void one_hook_name_stands_for_all_layers_of_a_crosscoder(string hook)
    {
        const string name = "layer_7_13_17_22_width_65k_l0_medium";
        var source = Fixtures.Path("dictionaries", "gemma_scope_2", "gemma-scope-2-1b-pt", "crosscoder", name);
        var folder = Directory.CreateDirectory(_folder.File(Path.Combine("crosscoder", name))).FullName;
        foreach (var file in Directory.EnumerateFiles(source, "*.safetensors"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""{"hf_hook_point_in": {{hook}}, "type": "crosscoder"}""");
        using var dictionary = SparseDictionary.Load(folder);
        Assert.Equal([7, 13, 17, 22], dictionary.OutputSites.Select(site => site.Layer!.Value));
        Assert.All(dictionary.InputSites, site => Assert.Equal(SiteKind.ResidPost, site.Kind));
    }
}

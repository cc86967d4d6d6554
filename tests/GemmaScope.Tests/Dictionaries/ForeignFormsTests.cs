using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

/// <summary>Dictionaries that other programs wrote: computed as they compute, or refused by the key that is not understood.</summary>
public class ForeignFormsTests
{
    private sealed record Case(string Path, string InputSite, string OutputSite, float[][] X, double[][] Features, double[][] Output);

    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static readonly Case[] All = JsonSerializer.Deserialize<Case[]>(File.ReadAllText(In("cases.json")), Snake)!;

    public static TheoryData<string> Paths() => [.. All.Select(one => one.Path)];

    [Theory]
    [Trait("Category", "Golden")]
    [MemberData(nameof(Paths))]
    public void features_and_output_are_those_of_the_other_programs_formula(string path)
    {
        var golden = All.Single(one => one.Path == path);
        using var dictionary = SparseDictionary.Load(In(path));
        Assert.Equal((golden.InputSite, golden.OutputSite), ($"{dictionary.InputSite}", $"{dictionary.OutputSite}"));
        Assert.Empty(dictionary.Warnings);
        var (rows, width) = (golden.X.Length, golden.X[0].Length);
        using var x = Tensor.From([.. golden.X.SelectMany(row => row)], rows, width);
        var features = dictionary.Encode(x.AsMatrix());
        using var output = dictionary.Decode(features, x.AsMatrix());
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < dictionary.Width; i++)
                Assert.Equal(golden.Features[row][i], features.Value(row, i), 1e-5);
            for (var i = 0; i < output.Columns; i++)
                Assert.Equal(golden.Output[row][i], output.Row(row)[i], 1e-4);
        }
    }

    [Theory]
    // SAELens: keys that override the architecture, wherever they stand.
    [InlineData("sae_lens/older_topk", "cfg.json", "activation_fn_str", "\"tanh-relu\"", "activation_fn_str")]
    [InlineData("sae_lens/older_topk", "cfg.json", "activation_fn", "\"relu\"", "activation_fn")]
    [InlineData("sae_lens/older_topk", "cfg.json", "sae_lens_training_version", "\"6.1.0\"", "activation_fn_str")]
    [InlineData("sae_lens/older_topk", "cfg.json", "architecture", "\"gated\"", "activation_fn_str")]
    [InlineData("sae_lens/older_topk", "cfg.json", "k", "3", "'k'")]
    [InlineData("sae_lens/older_topk", "cfg.json", "activation_fn_kwargs", "{\"k\": 2, \"signed\": true}", "signed")]
    [InlineData("sae_lens/older_topk", "cfg.json", "hook_head_index", "3", "hook_head_index")]
    [InlineData("sae_lens/older_topk", "cfg.json", "reshape_activations", "\"hook_z\"", "reshape_activations")]
    [InlineData("sae_lens/older_topk", "cfg.json", "reshape_activations", "\"flat\"", "reshape_activations")]
    [InlineData("sae_lens/older_topk", "cfg.json", "normalize_activations", "\"sideways\"", "normalize_activations")]
    [InlineData("sae_lens/older_topk", "cfg.json", "finetuning_scaling_factor", "true", "scaling_factor")]
    [InlineData("sae_lens/older_topk", "cfg.json", "input_scale", "2.0", "input_scale")]
    [InlineData("sae_lens/older_topk", "cfg.json", "d_out", "7", "d_out")]
    [InlineData("sae_lens/module_name", "cfg.json", "activation_fn_str", "\"relu\"", "activation_fn_str")]
    [InlineData("sae_lens/module_name", "cfg.json", "metadata", "{\"activation_fn_str\": \"tanh-relu\"}", "metadata.activation_fn_str")]
    [InlineData("sae_lens/module_name", "cfg.json", "metadata", "{\"normalize_activations\": \"layer_norm\"}", "normalize_activations")]
    [InlineData("sae_lens/module_name", "cfg.json", "metadata", "{\"hook_head_index\": 0}", "hook_head_index")]
    [InlineData("sae_lens/module_name", "cfg.json", "metadata", "{\"k\": 5}", "metadata.k")]
    [InlineData("sparsify/layers.3", "cfg.json", "activation", "\"groupmax\"", "groupmax")]
    [InlineData("sparsify/layers.3", "cfg.json", "signed", "true", "signed")]
    [InlineData("sparsify/layers.3", "cfg.json", "k", "11", "'k'")]
    [InlineData("sparsify/layers.3", "cfg.json", "skip_connection", "true", "W_skip")]
    [InlineData("sparsify/model.layers.7.mlp", "cfg.json", "skip_connection", "false", "W_skip")]
    [InlineData("sparsify/layers.3", "cfg.json", "normalize_activations", "\"layer_norm\"", "normalize_activations")]
    [InlineData("dictionary_learning/AutoEncoderTopK", "config.json", "trainer", "{\"dict_class\": \"MyDict\"}", "MyDict")]
    [InlineData(
        "dictionary_learning/AutoEncoderTopK",
        "config.json",
        "trainer",
        "{\"dict_class\": \"AutoEncoderTopK\", \"k\": 4}",
        "'trainer.k'"
    )]
    [InlineData("dictionary_learning/AutoEncoderTopK", "config.json", "trainer", "{\"dict_class\": \"BatchTopKSAE\"}", "threshold")]
    [InlineData("dictionary_learning/BatchTopKSAE", "config.json", "trainer", "{\"dict_class\": \"AutoEncoder\"}", "bias")]
    public void what_would_be_computed_otherwise_is_refused_by_name(string path, string file, string key, string value, string named)
    {
        using var copy = new TemporaryFolder();
        var folder = Copy(path, copy);
        Change(Path.Combine(folder, file), config => config[key] = JsonNode.Parse(value));
        Assert.Contains(named, Assert.Throws<FileFormatException>(() => SparseDictionary.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sae_lens/older_topk", "sae_weights.safetensors", "threshold")]
    [InlineData("sparsify/layers.3", "sae.safetensors", "post_encoder.scale")]
    [InlineData("circuit-tracer-set", "layer_0.safetensors", "log_thresholds")]
    public void a_tensor_that_nobody_uses_is_refused_by_name(string path, string file, string tensor)
    {
        using var copy = new TemporaryFolder();
        var target = Path.Combine(Copy(path, copy), file);
        using (var old = SafetensorsFile.Open(target))
        using (var more = Tensor.Zeros(10))
        {
            var tensors = old.Tensors.ToDictionary();
            tensors[tensor] = more;
            SafetensorsWriter.Write(target + ".new", tensors);
        }
        File.Move(target + ".new", target, overwrite: true);
        var named = path == "circuit-tracer-set" ? target : Path.GetDirectoryName(target)!;
        Assert.Contains(
            $"'{tensor}'",
            Assert.Throws<FileFormatException>(() => SparseDictionary.Load(named)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void a_key_that_nobody_knows_is_told_and_a_dictionary_that_is_not_understood_is_not_written()
    {
        using var copy = new TemporaryFolder();
        var folder = Copy("sae_lens/module_name", copy);
        Change(Path.Combine(folder, "cfg.json"), config => config["my_note"] = "hello");
        using (var dictionary = SparseDictionary.Load(folder))
            Assert.Contains("'my_note'", Assert.Single(dictionary.Warnings), StringComparison.Ordinal);
        Change(Path.Combine(folder, "cfg.json"), config => config["normalize_activations"] = "expected_average_only_in");
        using var unscaled = SparseDictionary.Load(folder);
        var refusal = Assert.Throws<ArgumentProblemException>(() =>
            DictionaryWriter.Write(unscaled, copy.File("out"), DictionaryForm.SaeLens)
        );
        Assert.Contains("activation_scaler.json", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(copy.File("out")));
    }

    [Fact]
    public void a_configuration_of_an_early_version_with_all_settings_of_its_run_says_nothing()
    {
        using var copy = new TemporaryFolder();
        var folder = Copy("sae_lens/older_topk", copy);
        Change(
            Path.Combine(folder, "cfg.json"),
            config =>
            {
                foreach (
                    var key in (string[])
                        ["cached_activations_path", "from_pretrained_path", "lr_scheduler_name", "wandb_project", "run_name"]
                )
                    config[key] = "x";
                foreach (var key in (string[])["lr", "seed", "train_batch_size", "n_batches_in_buffer", "noise_scale", "adam_beta1"])
                    config[key] = 1;
            }
        );
        using var dictionary = SparseDictionary.Load(folder);
        Assert.Empty(dictionary.Warnings);
    }

    [Fact]
    public void what_is_read_is_written_on_as_what_it_is()
    {
        using var copy = new TemporaryFolder();
        foreach (var path in (string[])["sae_lens/older_topk", "sparsify/layers.3", "dictionary_learning/BatchTopKSAE"])
        {
            var golden = All.Single(one => one.Path == path);
            using var source = SparseDictionary.Load(In(path));
            var target = copy.File(path.Replace('/', '_'));
            DictionaryWriter.Write(source, target, DictionaryForm.SaeLens);
            using var written = SparseDictionary.Load(target);
            using var x = Tensor.From([.. golden.X.SelectMany(row => row)], golden.X.Length, golden.X[0].Length);
            var features = written.Encode(x.AsMatrix());
            Assert.Equal(
                golden.Features[0].Select(value => value > 0),
                Enumerable.Range(0, written.Width).Select(i => features.Value(0, i) > 0)
            );
        }
    }

    [Fact]
    public void a_set_of_one_file_a_layer_asks_which_one()
    {
        Assert.Equal(2, SparseDictionary.In(In("circuit-tracer-set")).Count);
        var refusal = Assert.Throws<FileFormatException>(() => SparseDictionary.Load(In("circuit-tracer-set"))).Message;
        Assert.Contains("layer_0.safetensors", refusal, StringComparison.Ordinal);
        Assert.Contains("circuit-tracer", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hyperparams.json", "Llama Scope")]
    [InlineData("ae.pt", "dictionary_learning")]
    [InlineData("sae.safetensors", "sparsify")]
    [InlineData("sae_layer_3.pt", "pickle")]
    [InlineData("adapter_config.json", "LoRA")]
    public void a_form_that_is_not_read_is_named(string file, string named)
    {
        using var folder = new TemporaryFolder();
        folder.Write(file, "{}");
        Assert.Contains(
            named,
            Assert.Throws<FileFormatException>(() => SparseDictionary.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    private static string In(string path) => Fixtures.Path("dictionaries_foreign", path);

    private static string Copy(string path, TemporaryFolder into)
    {
        var target = into.File(Path.GetFileName(path));
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(In(path)))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        return target;
    }

    private static void Change(string file, Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        change(config);
        File.WriteAllText(file, config.ToJsonString());
    }
}

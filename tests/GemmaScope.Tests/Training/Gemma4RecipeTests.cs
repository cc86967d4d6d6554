using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Tests.Cli;
using GemmaScope.Tests.Models;
using GemmaScope.Tests.Text;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

/// <summary>The recipe for the first transcoders of Gemma 4 E2B: that it fits the published model, and that it goes to its end on a network of
/// that form.</summary>
public sealed class Gemma4RecipeTests : IDisposable
{
    private static readonly string Recipe = Path.Combine(Fixtures.Repository, "suites", "gemma-4-e2b.yaml");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void of_the_published_model_it_stands_for_a_transcoder_of_each_mlp_and_an_autoencoder_of_four_residual_streams()
    {
        var config = GemmaConfig.Load(Path.GetDirectoryName(_folder.Write("config.json", Gemma4ConfigTests.PublishedE2B))!);
        // What docs/gemma-4.md harvests.
        Site[] stored =
        [
            .. Enumerable.Range(0, config.Layers).SelectMany(layer => new[] { Site.MlpIn(layer), Site.MlpOut(layer) }),
            .. new[] { 8, 17, 22, 29 }.Select(Site.ResidPost),
        ];
        Assert.All(stored, site => Assert.True(config.Has(site), $"{site}"));
        var suite = SweepConfiguration.Load(Recipe, []);
        var items = SweepPlan.Items(suite, stored);
        Assert.Equal(2 * (35 + 4), items.Count);
        Assert.Equal(stored.Order(), items.SelectMany(item => item.Configuration.AllSites).Distinct().Order());
        foreach (var item in items)
        {
            var shape = item.Configuration.Shape(config.SiteWidth);
            Assert.Equal((1536, 1536, 16384), (shape.InputWidth, shape.OutputWidth, item.Configuration.Width));
            Assert.Equal(
                item.Configuration.Kind == DictionaryKind.Transcoder
                    ? [Site.MlpIn(item.Configuration.Sites[0].Layer!.Value), Site.MlpOut(item.Configuration.Sites[0].Layer!.Value)]
                    : item.Configuration.Sites,
                item.Configuration.AllSites
            );
        }
        var one = items[0].Configuration;
        Assert.Equal(
            (one.TotalSteps, 0.7),
            (one.EffectiveRecipe.DecayEnd, Math.Round(one.EffectiveRecipe.DecayStart!.Value / (double)one.TotalSteps, 3))
        );
        Assert.Equal([10, 100], items.Select(item => item.Configuration.Recipe.L0Target).Distinct());
        // A dictionary that is trained takes four times its parameters, and a group its batches: a machine of 8 GB trains one layer at a time.
        Assert.InRange(SweepPlan.Bytes([items[0]], config.SiteWidth), 800L << 20, 1200L << 20);
    }

    [Fact]
    public void on_a_network_of_that_form_it_goes_from_the_text_to_dictionaries_that_are_measured_and_opened()
    {
        var (model, text, held, suite) = (Model(), Prose("text.txt", 1), Prose("held.txt", 7), _folder.File("suite"));
        // A layer that makes its keys and one that reads another's.
        var store = Harvest(model, text, "mlp_in.3,mlp_out.3,mlp_in.6,mlp_out.6,resid_post.6");
        var results = Sweep(
            suite,
            $"base.data.store={store}",
            $"base.data.model={model}",
            $"base.evaluation.text=[{held}]",
            "base.evaluation.tokens=300",
            "grid.target_l0=[4,16]"
        );
        Assert.Equal(
            [
                "transcoder-mlp_in.3-64-l0_4-seed0",
                "transcoder-mlp_in.3-64-l0_16-seed0",
                "transcoder-mlp_in.6-64-l0_4-seed0",
                "transcoder-mlp_in.6-64-l0_16-seed0",
                "sae-resid_post.6-64-l0_4-seed0",
                "sae-resid_post.6-64-l0_16-seed0",
            ],
            results.Select(one => one.GetProperty("name").GetString())
        );
        foreach (var pair in results.Chunk(2))
        {
            double[] l0 = [.. pair.Select(one => one.GetProperty("l0").GetDouble())];
            Assert.True(l0[0] < l0[1], $"{pair[0].GetProperty("name")}: L0 {l0[0]} and {l0[1]}");
            Assert.All(pair, one => Assert.True(double.IsFinite(one.GetProperty("delta_loss").GetDouble())));
        }
        foreach (var one in results)
        {
            var found = Path.Combine(suite, one.GetProperty("path").GetString()!);
            using (var dictionary = SparseDictionary.Load(found))
                Assert.Equal((64, 38, 38), (dictionary.Width, dictionary.InputWidth, dictionary.OutputWidth));
            var analysis = Json(["analyze", "The cat sat", "--model", model, "--sae", found, "--json"]);
            Assert.Equal(12, analysis.GetProperty("tokens").GetArrayLength());
        }
        var scores = Json([.. "eval --tokens 300 --window 32 --json".Split(' '), "--model", model, "--sae", suite, "--text", held]);
        Assert.Equal(6, scores.GetProperty("dictionaries").GetArrayLength());
    }

    [Fact]
    public void the_transcoders_of_all_layers_make_a_graph()
    {
        var (model, suite) = (Model(), _folder.File("suite"));
        var store = Harvest(model, Prose("text.txt", 1), "mlp_in.*,mlp_out.*");
        Assert.Equal(
            8,
            Sweep(
                suite,
                $"base.data.store={store}",
                "base.data.model=null",
                "base.evaluation.text=[]",
                "base.evaluation.tokens=0",
                "grid.kinds=[transcoder]",
                "grid.target_l0=[8]"
            ).Length
        );
        var graph = Json(["circuit", "The cat sat on", "--model", model, "--transcoders", suite, "--json"]);
        Assert.Empty(graph.GetProperty("layers_without_transcoder").EnumerateArray());
        Assert.True(graph.GetProperty("active_features").GetInt32() > 0);
        Assert.InRange(graph.GetProperty("identity_error").GetDouble(), 0, 1e-4);
    }

    /// <summary>The reference's network of that form, with a vocabulary of letters.</summary>
    private string Model()
    {
        var model = _folder.File("model");
        Directory.CreateDirectory(model);
        foreach (var file in (string[])["config.json", "generation_config.json", "model.safetensors"])
            File.Copy(Fixtures.Path("host", "gemma4-e", file), Path.Combine(model, file));
        LetterVocabulary.Write(model, GemmaConfig.Load(model).VocabularyRows);
        return model;
    }

    private string Prose(string name, int first) =>
        _folder.Write(
            name,
            string.Join(' ', Enumerable.Range(first, 60).Select(i => $"The cat saw {i} dogs, {i * 7 % 10} rivers and a city."))
        );

    /// <summary>In bf16 and several buckets, as for the recipe.</summary>
    private string Harvest(string model, string text, string sites)
    {
        var store = _folder.File("store");
        string[] sizes = "--tokens 1500 --context 32 --bucket 512 --dtype bf16".Split(' ');
        Done(["harvest", "--model", model, "--text", text, "--sites", sites, "--out", store, .. sizes]);
        return store;
    }

    /// <summary>The recipe at the size of that network: 100 steps, with thresholds that fit rows of 38 numbers.</summary>
    private static JsonElement[] Sweep(string suite, params string[] settings)
    {
        string[] small =
        [
            "grid.widths=[64]",
            "base.batch=64",
            "base.tokens=6400",
            "base.recipe.decay_start=70",
            "base.recipe.decay_end=100",
            "base.recipe.threshold_start=0.25",
            "base.recipe.epsilon=0.1",
            "base.recipe.l0_target_start=20",
        ];
        string[] set = [.. small.Concat(settings).SelectMany(setting => new[] { "--set", setting })];
        return [.. Json(["sweep", Recipe, "--output", suite, "--json", .. set]).GetProperty("dictionaries").EnumerateArray()];
    }

    private static JsonElement Json(string[] arguments) => JsonElement.Parse(Done(arguments));

    private static string Done(string[] arguments)
    {
        var done = CommandLine.Run(arguments);
        Assert.True(done.Code == 0, done.Error);
        return done.Out;
    }
}

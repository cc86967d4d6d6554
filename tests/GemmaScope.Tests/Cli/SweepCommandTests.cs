using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class SweepCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private readonly string _suite;

    public SweepCommandTests()
    {
        File.WriteAllText(
            _folder.File("text.txt"),
            string.Join(' ', Enumerable.Range(0, 100).Select(i => $"The cat saw {i} dogs, {i * 7 % 10} rivers and a city."))
        );
        File.WriteAllText(
            _suite = _folder.File("suite.yaml"),
            $$"""
            output: "{{_folder.File("suite")}}"
            grid:
              layers: [1, 2]
              widths: [32]
              lambdas: [0.001, 0.1]
            base:
              data: {text: "{{_folder.File("text.txt")}}", model: demo-pt, window: 32, buffer_rows: 256}
              batch: 64
              steps: 12
              recipe: {learning_rate: 0.01, warmup_steps: 1, lambda_warmup_steps: 1, epsilon: 0.05, threshold_start: 0.02}
              evaluation: {text: "{{_folder.File("text.txt")}}", tokens: 500}
            """
        );
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_suite_is_a_repository_with_a_table_a_page_and_a_catalogue()
    {
        var found = Sweep().GetProperty("dictionaries").EnumerateArray().ToArray();
        Assert.Equal(
            [
                "sae-resid_post.1-32-lambda0.001-seed0",
                "sae-resid_post.1-32-lambda0.1-seed0",
                "sae-resid_post.2-32-lambda0.001-seed0",
                "sae-resid_post.2-32-lambda0.1-seed0",
            ],
            found.Select(one => one.GetProperty("name").GetString())
        );
        Assert.Equal(4, found.Select(one => one.GetProperty("path").GetString()).Distinct().Count());
        Assert.All(
            found,
            one =>
            {
                Assert.True(double.IsFinite(one.GetProperty("delta_loss").GetDouble()));
                using var dictionary = SparseDictionary.Load(Path.Combine(_folder.File("suite"), one.GetProperty("path").GetString()!));
                Assert.Equal(32, dictionary.Width);
            }
        );
        var page = File.ReadAllText(_folder.File("suite/results.html"));
        Assert.Contains("Delta loss, sae of resid_post.2", page);
        Assert.Contains("<polyline", page);
        Assert.Empty(Directory.GetDirectories(_folder.File("suite/runs"), "group_*"));

        // The names are known once the folder is added.
        var (seen, list, name) = (
            _folder.File("seen.txt"),
            _folder.File("folders.txt"),
            $"suite/{found[0].GetProperty("path").GetString()}"
        );
        Assert.Equal(4, LocalCatalogue.Add(_folder.File("suite"), list).Count);
        Assert.True(DictionaryCatalogue.Load(seen).TryFind(name, out var entry));
        Assert.Equal(
            (CatalogueSource.Local, Site.ResidPost(1), "demo-pt", "32"),
            (entry.Source, entry.InputSites[0], entry.Model, entry.Width)
        );
        Assert.True(Directory.Exists(DictionaryCatalogue.Load(seen).Reference(name)));
        Assert.Equal(
            2,
            DictionaryCatalogue.Load(seen).Find(new() { Model = "demo-pt", Layer = 2 }).Count(one => one.Repository == "suite")
        );
    }

    [Fact]
    public void what_is_finished_is_not_trained_again_and_what_is_missing_is()
    {
        Sweep();
        var before = Results();
        File.Delete(_folder.File("suite/runs/sae-resid_post.2-32-lambda0.1-seed0/result.json"));
        Directory.Delete(Path.Combine(_folder.File("suite"), before[3].GetProperty("path").GetString()!), recursive: true);
        var log = _folder.File("suite/runs/sae-resid_post.1-32-lambda0.001-seed0/metrics.jsonl");
        Sweep();
        Assert.Equal(before.Select(one => one.ToString()), Results().Select(one => one.ToString()));
        var written = File.GetLastWriteTimeUtc(log);
        Sweep();
        Assert.Equal(written, File.GetLastWriteTimeUtc(log));
    }

    [Fact]
    public void a_dictionary_of_a_suite_is_the_one_that_its_recipe_trains_alone()
    {
        var path = Sweep().GetProperty("dictionaries")[1].GetProperty("path").GetString()!;
        var alone = CommandLine.Run(
            "train",
            _folder.File("suite/runs/sae-resid_post.1-32-lambda0.1-seed0/recipe.yaml"),
            "--output",
            _folder.File("alone"),
            "--json"
        );
        var own = JsonDocument.Parse(alone.Out).RootElement.GetProperty("dictionary").GetString()!;
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(_folder.File("suite"), path, "params.npz")),
            File.ReadAllBytes(Path.Combine(_folder.File("alone"), own, "params.npz"))
        );
    }

    [Fact]
    public void groups_hold_what_memory_holds()
    {
        var suite = SweepConfiguration.Load(
            _suite,
            [("grid.layers", YamlFile.ParseValue("[0, 1, 2, 3]", "")), ("grid.widths", YamlFile.ParseValue("[1024]", ""))]
        );
        var items = SweepPlan.Items(suite, null);
        var all = SweepPlan.Groups(suite with { MemoryGib = 1 }, items, _ => 256);
        Assert.Equal(8, Assert.Single(all).Items.Count);
        var few = SweepPlan.Groups(suite with { MemoryGib = 0.03 }, items, _ => 256);
        Assert.Equal(items, few.SelectMany(group => group.Items));
        Assert.True(few.Count > 1);
        Assert.All(few.Where(group => group.Items.Count > 1), group => Assert.True(group.Bytes <= 0.03 * (1L << 30)));
        // 256 x 1024 x 2 parameters, four times, as f32.
        Assert.InRange(SweepPlan.Bytes([items[0]], _ => 256), 256L * 1024 * 2 * 4 * 4, 2 * 256L * 1024 * 2 * 4 * 4);
    }

    [Fact]
    public void a_target_l0_is_drawn_by_the_quadratic_penalty_and_layers_come_from_the_data()
    {
        var suite = SweepConfiguration.Load(
            _suite,
            [
                ("grid.lambdas", YamlFile.ParseValue("[]", "")),
                ("grid.target_l0", YamlFile.ParseValue("[8]", "")),
                ("grid.layers", YamlFile.ParseValue("[]", "")),
            ]
        );
        Assert.Throws<ArgumentProblemException>(() => SweepPlan.Items(suite, null));
        var items = SweepPlan.Items(suite, [Site.ResidPost(0), Site.MlpOut(3), Site.ResidPost(4)]);
        Assert.Equal([Site.ResidPost(0), Site.ResidPost(4)], items.Select(item => item.Configuration.Sites[0]));
        Assert.All(
            items,
            item => Assert.Equal((SparsityTerm.L0Target, 8), (item.Configuration.Recipe.Sparsity, item.Configuration.Recipe.L0Target))
        );
    }

    [Theory]
    [InlineData("'grid.layer' is unknown; did you mean 'layers'?", "grid.layer=1")]
    [InlineData("the grid varies", "base.sites=resid_post.1")]
    [InlineData("'resid' is no site of a layer", "grid.sites=resid")]
    [InlineData("names the same dictionary twice", "grid.widths=[32, 32]")]
    public void bad_input_is_refused(string says, string value) => CommandLine.Run("sweep", _suite, "--set", value).IsRefused(says);

    [Fact]
    public void a_missing_text_to_measure_on_is_found_out_before_training()
    {
        CommandLine
            .Run("sweep", _suite, "--set", $"base.evaluation.text=[\"{_folder.File("text.txt")}\", \"{_folder.File("none.txt")}\"]")
            .IsRefused("none.txt", "does not exist");
        Assert.False(Directory.Exists(_folder.File("suite")));
    }

    [Fact]
    public void the_suite_is_printed_with_its_dictionaries()
    {
        var printed = CommandLine.Run("sweep", _suite, "--print-config");
        Assert.Contains("# sae-resid_post.2-32-lambda0.1-seed0", printed.Lines);
        Assert.False(Directory.Exists(_folder.File("suite")));
    }

    private JsonElement Sweep()
    {
        var run = CommandLine.Run("sweep", _suite, "--json");
        Assert.Equal("", run.Code == 0 ? "" : run.Error);
        using var json = JsonDocument.Parse(run.Out);
        return json.RootElement.Clone();
    }

    private JsonElement[] Results()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(_folder.File("suite/results.json")));
        return [.. json.RootElement.Clone().GetProperty("dictionaries").EnumerateArray()];
    }
}

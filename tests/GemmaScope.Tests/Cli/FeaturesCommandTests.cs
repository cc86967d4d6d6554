using System.Text.Json;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>One build for all tests.</summary>
public sealed class BuiltFeatures : IDisposable
{
    public const string Dictionary = "resid_post-layer_3-width_2k-average_l0_35";

    private readonly TemporaryFolder _folder = new();

    public BuiltFeatures()
    {
        System.IO.File.WriteAllText(
            File("text.txt"),
            string.Concat(Enumerable.Range(0, 20).Select(i => $"The {i}th cat sat on the mat in Paris. "))
        );
        Built = CommandLine.Run("features", "build", "--text", File("text.txt"), "--tokens", "200", "--window", "32", "--db", Database);
    }

    public string Database => File("features.db");

    internal CommandLine Built { get; }

    public string File(string name) => _folder.File(name);

    public void Dispose() => _folder.Dispose();
}

public class FeaturesCommandTests(BuiltFeatures built) : IClassFixture<BuiltFeatures>
{
    [Fact]
    public void a_build_says_what_it_made_and_leaves_only_the_database()
    {
        Assert.Equal("", built.Built.Error);
        Assert.StartsWith($"demo-pt/{BuiltFeatures.Dictionary}: 2048 features over ", built.Built.Out);
        Assert.False(Directory.Exists(built.Database + ".work"));
    }

    [Fact]
    public void a_feature_that_fires_shows_where()
    {
        var json = Run("export", BuiltFeatures.Dictionary, "--format", "jsonl", "--out", built.File("all.jsonl"));
        Assert.Equal(0, json.Code);
        var strongest = File.ReadLines(built.File("all.jsonl"))
            .Skip(1)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("dashboard"))
            .MaxBy(one => one.GetProperty("count").GetInt64())
            .GetProperty("feature")
            .GetInt32();
        var shown = Run("show", BuiltFeatures.Dictionary, $"{strongest}");
        Assert.Equal(0, shown.Code);
        Assert.Contains("strongest:", shown.Out);
        Assert.Contains("promotes", shown.Out);
        var page = Run("show", $"demo-pt/{BuiltFeatures.Dictionary}", $"{strongest}", "--json").Json();
        Assert.Equal(strongest, page.GetProperty("feature").GetProperty("dashboard").GetProperty("feature").GetInt32());
        Assert.NotEmpty(page.GetProperty("pieces").EnumerateObject());
    }

    [Fact]
    public void an_evaluation_is_written_into_the_database_beside_what_the_build_measured()
    {
        var found = CommandLine
            .Run("eval", "--text", built.File("text.txt"), "--tokens", "100", "--window", "32", "--db", built.Database, "--json")
            .Json();
        using var database = FeatureDatabase.Open(built.Database);
        var stored = database.Dictionaries().Single(one => one.Name == BuiltFeatures.Dictionary);
        var evaluations = database.Evaluations()[stored.Id].ToDictionary(one => one.MadeBy);
        var row = found.GetProperty("dictionaries")[0];
        Assert.Equal(row.GetProperty("delta_loss").GetDouble(), evaluations[StoredEvaluation.Eval].DeltaLoss);
        Assert.Equal(row.GetProperty("fvu").GetDouble(), evaluations[StoredEvaluation.Eval].Fvu);
        Assert.Equal(found.GetProperty("counted_tokens").GetInt64(), evaluations[StoredEvaluation.Eval].Tokens);
        Assert.InRange(evaluations[StoredEvaluation.Build].Explained!.Value, 0.3, 1);
    }

    [Fact]
    public void an_evaluation_for_a_database_without_its_dictionary_says_so_before_it_measures()
    {
        using (FeatureDatabase.Open(built.File("empty.db"), create: true)) { }
        var failed = CommandLine.Run("eval", "--text", built.File("text.txt"), "--db", built.File("empty.db"));
        Assert.Equal(2, failed.Code);
        Assert.Contains($"demo-pt/{BuiltFeatures.Dictionary}", failed.Error);
        Assert.Contains("is not in the database", failed.Error);
    }

    [Theory]
    [InlineData("neuronpedia", "7.json")]
    [InlineData("saedashboard", "batch-0.json")]
    public void an_export_can_be_imported(string format, string file)
    {
        var folder = built.File(format);
        Assert.Equal(
            0,
            Run("export", BuiltFeatures.Dictionary, "--format", format, "--feature", "7", "--out", folder, "--sae", "demo-sae").Code
        );
        var import = CommandLine.Run("features", "import", Path.Combine(folder, file), "--db", built.File(format + ".db"));
        Assert.Equal((0, $"demo-pt/3-{BuiltFeatures.Dictionary}: 1 features\n"), (import.Code, import.Out));
        Assert.Equal(0, CommandLine.Run("features", "show", $"3-{BuiltFeatures.Dictionary}", "7", "--db", built.File(format + ".db")).Code);
    }

    [Fact]
    public void labels_are_imported_and_found()
    {
        File.WriteAllText(built.File("labels.csv"), "feature,label\n7,zebra crossings\n99999,nowhere\n");
        Assert.Contains("1 labels", Run("import", built.File("labels.csv"), "--labels-of", BuiltFeatures.Dictionary, "--author", "me").Out);
        var hits = Run("search", "zebra", "--json").Json().GetProperty("features");
        Assert.Equal(7, Assert.Single(hits.EnumerateArray()).GetProperty("feature").GetInt32());
        Assert.Contains("zebra crossings (me)", Run("show", BuiltFeatures.Dictionary, "7").Out);
    }

    [Fact]
    public void what_is_not_there_is_refused()
    {
        Run("show", "nosuch", "1").IsRefused("nosuch", BuiltFeatures.Dictionary);
        Run("show", BuiltFeatures.Dictionary, "99999").IsRefused("no feature 99999");
        CommandLine.Run("features", "show", "x", "1", "--db", built.File("missing.db")).IsRefused("no such database");
        CommandLine.Run("features").IsRefused("build, show");
    }

    private CommandLine Run(params string[] arguments) => CommandLine.Run(["features", .. arguments, "--db", built.Database]);
}

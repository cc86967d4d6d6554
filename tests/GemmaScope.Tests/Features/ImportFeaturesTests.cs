using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Files;
using GemmaScope.Store;
using GemmaScope.Tests.Server;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Features;

/// <summary>What is imported is all right, or nothing of it is stored.</summary>
public sealed class ImportFeaturesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly IFeatureDatabase _database;

    public ImportFeaturesTests() => _database = FeatureDatabase.Open(_folder.File("features.db"), create: true);

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("\"feature\":1,", "\"feature\":2147483647,", "'dashboard.feature' must be from 0 to 19, found 2147483647")]
    [InlineData("\"neighbours\":[{\"feature\":9", "\"neighbours\":[{\"feature\":20", "'dashboard.neighbours[0].feature'")]
    [InlineData("\"interval_shares\":[0.1,", "\"interval_shares\":[", "'dashboard.interval_shares' must be 5 numbers, found 4")]
    [InlineData("\"position\":30", "\"position\":9999", "'dashboard.examples[0].position' must be from 0 to 59, found 9999")]
    [InlineData("\"density\":0.01,", "\"density\":1.5,", "'dashboard.density' must be from 0 to 1, found 1.5")]
    [InlineData("\"max\":10,", "\"max\":1e999,", "'dashboard.max'")]
    [InlineData("\"histogram_start\":0,", "\"histogram_start\":11,", "'dashboard.histogram_start' must be from 0 to 10, found 11")]
    [InlineData("\"count\":", "\"count\":1", "'dashboard.histogram' must count the ")]
    [InlineData("\"neighbours\":[", "\"neighbours\":null,\"x\":[", "'dashboard.neighbours' is null")]
    [InlineData("\"labels\":[]", "\"labels\":[],\"labels\":[]", "'labels' is null, there twice, or of another type")]
    public void a_line_with_a_value_that_cannot_be_is_named_and_nothing_is_stored(string was, string now, string says)
    {
        var line = Lines(1, 2)[1];
        Assert.Contains(was, line);
        var at = line.IndexOf(was, StringComparison.Ordinal);
        var bad = _folder.Write("bad.jsonl", $"{Lines(1)[0]}\n{Lines(3)[1]}\n{line[..at]}{now}{line[(at + was.Length)..]}\n");
        var good = _folder.Write("good.jsonl", string.Join('\n', Lines(4)).Replace("\"set\":\"s\"", "\"set\":\"other\""));
        var problem = Assert.ThrowsAny<GemmaScopeException>(() => Import(good, bad));
        Assert.StartsWith($"{bad} line 3: ", problem.Message);
        Assert.Contains(says, problem.Message);
        Assert.Empty(_database.Dictionaries());
    }

    [Fact]
    public void a_feature_that_comes_twice_and_a_dictionary_of_two_files_are_refused()
    {
        var twice = _folder.Write("twice.jsonl", string.Join('\n', Lines(1, 1)));
        Assert.Contains("line 3: 'dashboard.feature' comes twice", Assert.ThrowsAny<GemmaScopeException>(() => Import(twice)).Message);
        var (one, two) = (_folder.Write("1.jsonl", string.Join('\n', Lines(1))), _folder.Write("2.jsonl", string.Join('\n', Lines(2))));
        Assert.Contains($"{two}: holds m/1-s, as {one} does", Assert.ThrowsAny<GemmaScopeException>(() => Import(one, two)).Message);
        Assert.Empty(_database.Dictionaries());
    }

    [Fact]
    public void a_part_of_a_dictionary_keeps_its_width()
    {
        Import(_folder.Write("lines.jsonl", string.Join('\n', Lines(1, 3))));
        var stored = Assert.Single(_database.Dictionaries());
        Assert.Equal((20, 4, true), (stored.Width, stored.Features, stored.IsComplete));
        Assert.Contains("has no feature 2", Assert.Throws<ArgumentProblemException>(() => _database.RequirePage(stored, 2)).Message);
        // It is exported as it is, and what is not there is found out before anything is written.
        Assert.Equal(2, Export("all").Features);
        Assert.Equal(["1.json", "3.json"], Directory.GetFiles(_folder.File("all")).Select(Path.GetFileName).Order());
        Assert.Contains("has no feature 2", Assert.Throws<ArgumentProblemException>(() => Export("some", 1, 2)).Message);
        Assert.False(Directory.Exists(_folder.File("some")));
    }

    private ExportFeaturesResult Export(string folder, params int[] features) =>
        ExportFeaturesJob
            .RunAsync(
                _database,
                new()
                {
                    Dictionary = "1-s",
                    Out = _folder.File(folder),
                    Features = features,
                }
            )
            .GetAwaiter()
            .GetResult();

    [Fact]
    public void labels_of_features_that_are_not_there_are_counted()
    {
        Import(_folder.Write("lines.jsonl", string.Join('\n', Lines(1, 3))));
        var (none, some) = (
            _folder.Write("none.csv", "feature,label\n7,seven\n2147483647,many\n"),
            _folder.Write("some.csv", "feature,label\n3,three\n2,two\n9,nine\n")
        );
        Assert.Contains("labels no feature that 1-s has", Assert.ThrowsAny<GemmaScopeException>(() => Label(none, out _)).Message);
        Assert.Equal(1, Assert.Single(Label(some, out var notes).Labels).Labels);
        Assert.Equal($"{some}: 2 labels are left out, as 1-s has no such feature (the first: 2)", Assert.Single(notes));
    }

    [Fact]
    public void damaged_files_of_labels_are_errors_of_their_own()
    {
        string[] forms =
        [
            "{\"feature\": 1, \"label\": \"a\"}\n{\"feature\": 2, \"label\": \"b\"}\n",
            "[{\"index\": 1, \"description\": \"a, \\\"b\\\"\"}]",
            "{\"1\": \"a\", \"2\": \"b\"}",
            "id,label\n1,\"a, \"\"b\"\"\"\n2,c\n",
            "id\tlabel\n1\ta\n",
        ];
        var random = new Random(11);
        for (var i = 0; i < 1500; i++)
        {
            var text = forms[i % forms.Length].ToCharArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                text[random.Next(text.Length)] = "{}[],:\"\\\n\t019-ae \0"[random.Next(17)];
            var file = _folder.Write("labels", new string(text, 0, random.Next(3) == 0 ? random.Next(text.Length) : text.Length));
            try
            {
                FeatureLabels.Load(file);
            }
            catch (FileFormatException)
            {
                // The only error there may be.
            }
        }
    }

    private ImportFeaturesResult Import(params string[] files) =>
        ImportFeaturesJob.RunAsync(_database, new() { Files = files }).GetAwaiter().GetResult();

    private ImportFeaturesResult Label(string file, out List<string> notes)
    {
        List<string> told = [];
        notes = told;
        var listener = new DirectProgress<JobReport>(report =>
        {
            if (report is JobNote note)
                told.Add(note.Text);
        });
        return ImportFeaturesJob.RunAsync(_database, new() { Files = [file], LabelsOf = "1-s" }, listener).GetAwaiter().GetResult();
    }

    /// <summary>A file of our own form: the source, then these features.</summary>
    private static string[] Lines(params int[] features)
    {
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 1,
            Corpus = new(100, 12_800, 12_700, 128),
            Width = 20,
            Pieces = ["<pad>", "a"],
        };
        using var stream = new MemoryStream();
        DashboardLines.Write(
            stream,
            features
                .Select(FeatureDatabaseTests.Feature)
                .Select(one => one with { Dashboard = one.Dashboard with { Count = one.Dashboard.Histogram.Sum() } }),
            source
        );
        return System.Text.Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}

using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Training;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>Texts as they come, in the jobs that read a corpus: each takes as many tokens as are wanted and counts what it leaves
/// out.</summary>
public sealed class CorpusJobTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _notes = [];
    private Microscope _microscope = null!;

    public async ValueTask InitializeAsync()
    {
        File.WriteAllLines(
            _folder.File("text.jsonl"),
            Enumerable.Range(0, 60).Select(i => i % 20 == 7 ? "{\"body\": null}" : $"{{\"body\": \"The cat sat on mat {i} by a river.\"}}")
        );
        _microscope = await Microscope.OpenAsync();
    }

    public ValueTask DisposeAsync()
    {
        _microscope.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task an_evaluation_takes_exactly_so_many_tokens_and_can_be_extended()
    {
        var options = new EvaluateJobOptions
        {
            Corpus = Batches with { Tokens = 100, Window = 64, Batch = 1 },
            Losses = false,
            Resume = _folder.File("state"),
        };
        var part = await EvaluateJob.RunAsync(_microscope, options, Progress);
        Assert.Equal((100, 1), (part.Tokens, part.SkippedRows));
        Assert.Contains("1 row was left out", Assert.Single(_notes));
        var longer = options with { Corpus = options.Corpus with { Tokens = 200 } };
        var extended = await EvaluateJob.RunAsync(_microscope, longer, Progress);
        Assert.Equal(ResultJson.Text(await EvaluateJob.RunAsync(_microscope, longer with { Resume = null })), ResultJson.Text(extended));
    }

    [Fact]
    public async Task a_harvest_takes_exactly_so_many_tokens_below_a_window_too()
    {
        var options = new HarvestJobOptions
        {
            Text = Batches.Text,
            Reading = Batches.Reading,
            Sites = "resid_post.0",
            Store = _folder.File("store"),
            Tokens = 100,
            Context = 128,
        };
        var store = await HarvestJob.RunAsync(_microscope, options, Progress);
        Assert.Equal((100, 1), (store.Tokens, store.SkippedRows));
        Assert.Single(_notes);
        var problem = await Assert.ThrowsAsync<FileFormatException>(() =>
            HarvestJob.RunAsync(
                _microscope,
                options with
                {
                    Reading = options.Reading with { SkipBadRows = false },
                    Store = _folder.File("other"),
                }
            )
        );
        Assert.Contains("text.jsonl: line 8 ", problem.Message);
    }

    [Fact]
    public async Task dashboards_are_built_of_exactly_so_many_tokens()
    {
        using var database = FeatureDatabase.Open(_folder.File("features.db"), create: true);
        var built = await BuildFeaturesJob.RunAsync(
            _microscope,
            database,
            new()
            {
                Text = Batches with { Tokens = 100 },
                Work = _folder.File("work"),
                Neurons = false,
            },
            Progress
        );
        Assert.Equal((100, 1), (built.Dictionaries[0].Tokens, built.SkippedRows));
    }

    [Fact]
    public async Task a_training_leaves_bad_rows_out_and_counts_those_of_one_reading()
    {
        var trained = await TrainJob.RunAsync(
            new()
            {
                Configuration = new()
                {
                    Sites = [Site.ResidPost(1)],
                    Width = 32,
                    Batch = 64,
                    Steps = 40,
                    Data = new()
                    {
                        Model = "demo-pt",
                        Text = Batches.Text,
                        TextColumn = "body",
                        SkipBadRows = true,
                        SeparateDocuments = true,
                        BufferRows = 512,
                    },
                    Evaluation = new() { Tokens = 100 },
                    Output = _folder.File("run"),
                },
            },
            Progress
        );
        // The text is read several times.
        Assert.Equal(3, trained.SkippedRows);
        Assert.Contains(_notes, note => note.StartsWith("3 rows were left out", StringComparison.Ordinal));
        Assert.Contains("skip_bad_rows: true", File.ReadAllText(Path.Combine(trained.Output, TrainingConfiguration.FileName)));
    }

    private TextBatches Batches =>
        new()
        {
            Text = [_folder.File("text.jsonl")],
            Reading = new() { TextColumn = "body", SkipBadRows = true },
        };

    private DirectProgress<JobReport> Progress =>
        new(report =>
        {
            if (report is JobNote note && note.Text.Contains("left out", StringComparison.Ordinal))
                _notes.Add(note.Text);
        });
}

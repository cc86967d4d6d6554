using System.Text.Json;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Store;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;
using Xunit;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace GemmaScope.Tests.Features;

/// <summary>Building, explaining and exchanging features from a program.</summary>
public sealed class FeatureJobTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private Microscope? _microscope;

    private Microscope Microscope => _microscope!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _microscope = await Microscope.OpenAsync(cancellationToken: Cancellation);

    public ValueTask DisposeAsync()
    {
        _microscope?.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task what_was_broken_off_goes_on_and_a_model_may_judge_what_was_built()
    {
        using var database = Database();
        var options = Build(_folder.Write("text.txt", PlantedFeatures.Text(3, 4000)), 2000);
        using var stop = new CancellationTokenSource();
        var first = new Listener(report =>
        {
            if (report is JobStage { Unit: "tokens", Done: > 0 })
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            BuildFeaturesJob.RunAsync(Microscope, database, options, first, stop.Token)
        );
        Assert.Contains("tokens are kept", Assert.Single(first.Notes));
        Assert.True(Directory.Exists(options.Work));
        Assert.Empty(database.Dictionaries());

        var second = new Listener();
        var built = Assert.Single((await BuildFeaturesJob.RunAsync(Microscope, database, options, second, Cancellation)).Dictionaries);
        Assert.StartsWith("going on after ", Assert.Single(second.Notes));
        Assert.False(Directory.Exists(options.Work));
        var stored = database.Find(built.Dictionary);
        Assert.Equal((stored, true), (database.Find($"{built.Model}/{built.Dictionary}"), stored.IsComplete));
        Assert.Equal((2048, 2048), (built.Features, stored.Features));
        Assert.InRange(built.Tokens, 1800, 2000);
        Assert.Contains(second.Reports.OfType<JobStage>(), stage => stage is { Unit: "", Total: > 0 } && stage.Name.EndsWith("dashboards"));

        // The dictionary that is there already is not made again.
        var again = await BuildFeaturesJob.RunAsync(Microscope, database, options, cancellationToken: Cancellation);
        Assert.Equal(built, Assert.Single(again.Dictionaries));

        await Judge(database, stored);
    }

    private async Task Judge(IFeatureDatabase database, StoredDictionary stored)
    {
        var row = database.Table(stored, new FeatureFilter { LowestDensity = 0.01, HighestDensity = 0.03 })[0];
        using var judge = new YesMan();
        var options = new InterpretJobOptions
        {
            Text = [_folder.Write("held.txt", PlantedFeatures.Text(4, 6000))],
            Tokens = 8000,
            Examples = 20,
            Features = FeatureChoice.Of(row.Feature),
            Judge = judge,
        };
        var listener = new Listener();
        var result = await InterpretJob.RunAsync(Microscope, database, options, listener, Cancellation);
        var one = Assert.Single(result.Features);
        Assert.Equal(("token rules", "rules 1, judged by yes-man (prompt 1)"), (result.Author, result.Method));
        Assert.Same(one, Assert.Single(listener.Reports.OfType<FeatureInterpreted>()).Feature);
        Assert.Equal(one.Label, Assert.Single(database.Page(stored, row.Feature)!.Feature.Labels));
        // Who says yes to everything is right about one half.
        Assert.Equal((0.5, 0.5), (one.Detection, one.Fuzzing));
        using var json = JsonDocument.Parse(ResultJson.Text(result));
        Assert.Equal(one.Text, json.RootElement.GetProperty("features")[0].GetProperty("label").GetString());
        Assert.Equal(0.5, json.RootElement.GetProperty("detection").GetProperty("mean").GetDouble());
    }

    [Fact]
    public void options_that_cannot_be_are_refused_before_anything_is_done()
    {
        var file = _folder.Write("text.txt", "a text");
        AssertSetting("PairMemory", () => BuildFeaturesJob.Check(Build(file, 100) with { PairMemory = 0 }));
        AssertSetting("Tokens", () => BuildFeaturesJob.Check(Build(file, 1)));
        AssertSetting("Examples", () => InterpretJob.Check(new() { Text = [file], Examples = 9 }));
        AssertSetting("Most", () => InterpretJob.Check(new() { Text = [file], Most = 0 }));
        AssertSetting("Features", () => FeatureChoice.Parse("3-1"));
        Assert.Throws<FileFormatException>(() => InterpretJob.Check(new() { Text = [_folder.File("none.txt")] }));
        Assert.Throws<FileFormatException>(() => ImportFeaturesJob.Check(new() { Files = [file, _folder.File("none.json")] }));
    }

    [Fact]
    public async Task a_dictionary_that_is_not_there_is_named_with_those_that_are()
    {
        using var database = Database();
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            ExportFeaturesJob.RunAsync(database, new() { Dictionary = "nosuch", Out = _folder.Path }, cancellationToken: Cancellation)
        );
        Assert.Equal("nosuch: is not in the database, which has none", problem.Message);
        await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            InterpretJob.RunAsync(Microscope, database, new() { Text = [_folder.Write("text.txt", "")] }, null, Cancellation)
        );
    }

    [Fact]
    public async Task a_dictionary_that_another_job_writes_is_refused_and_the_text_is_not_read()
    {
        using var database = Database();
        using var other = Database();
        var options = Build(_folder.Write("text.txt", "a text"), 100);
        var (model, name) = (FeatureLinks.ModelName(Microscope.ModelName), FeatureLinks.PageName(Microscope.Dictionary));
        using (other.Reserve([(model, name)]))
        {
            var problem = await Assert.ThrowsAsync<GemmaScopeException>(() =>
                BuildFeaturesJob.RunAsync(Microscope, database, options, cancellationToken: Cancellation)
            );
            Assert.Contains($"{model}/{name} is being written by ", problem.Message);
            Assert.False(Directory.Exists(options.Work));
        }
        // Activations that another job still collects are kept apart too, whatever database they are for.
        using (FileLock.Take(Path.Combine(options.Work, "statistics.lock"), options.Work, "the folder"))
            await Assert.ThrowsAsync<GemmaScopeException>(() =>
                BuildFeaturesJob.RunAsync(Microscope, database, options, cancellationToken: Cancellation)
            );
        // What else is in the folder is not ours to delete.
        File.WriteAllText(Path.Combine(options.Work, "mine.txt"), "mine");
        await BuildFeaturesJob.RunAsync(Microscope, database, options, cancellationToken: Cancellation);
        Assert.Equal(["mine.txt"], Directory.EnumerateFileSystemEntries(options.Work).Select(Path.GetFileName));
        using (other.Reserve([(model, name)]))
            Assert.Contains(
                "is being written by",
                (
                    await Assert.ThrowsAsync<GemmaScopeException>(() =>
                        InterpretJob.RunAsync(Microscope, database, new() { Text = [_folder.File("text.txt")] }, null, Cancellation)
                    )
                ).Message
            );
    }

    [Theory]
    [InlineData("4", new[] { 4 })]
    [InlineData("7, 1,3-5", new[] { 1, 3, 4, 5, 7 })]
    public void features_are_chosen_one_by_one_and_by_ranges(string text, int[] features)
    {
        var chosen = FeatureChoice.Parse(text);
        Assert.Equal(features, Enumerable.Range(0, 10).Where(chosen.Contains));
    }

    private IFeatureDatabase Database() => FeatureDatabase.Open(_folder.File("features.db"), create: true);

    private BuildFeaturesJobOptions Build(string text, long tokens) =>
        new()
        {
            Text = new()
            {
                Text = [text],
                Tokens = tokens,
                Batch = 4,
            },
            Neurons = false,
            Work = _folder.File("work"),
        };

    private static void AssertSetting(string name, Action check) =>
        Assert.Equal(name, Assert.Throws<ArgumentProblemException>(check).Setting?.Name);

    private sealed class Listener(Action<JobReport>? then = null) : IProgress<JobReport>
    {
        public List<JobReport> Reports { get; } = [];

        public IEnumerable<string> Notes => Reports.OfType<JobNote>().Select(note => note.Text);

        public void Report(JobReport value)
        {
            Reports.Add(value);
            then?.Invoke(value);
        }
    }

    /// <summary>A judge to whom every passage is one where the feature fires.</summary>
    private sealed class YesMan : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "[1, 1, 1, 1, 1]")));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("test", null, "yes-man") : null;

        public void Dispose() { }
    }
}

using System.Text.Json;
using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class HarvestJobTests : IDisposable
{
    private readonly GemmaScope.Tests.TemporaryFolder _folder = new();

    public HarvestJobTests() =>
        File.WriteAllText(_folder.File("text.txt"), string.Join("\n\n", Enumerable.Range(0, 40).Select(i => $"Page {i}: a cat sat here.")));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task a_store_is_made_verified_and_merged_from_a_program()
    {
        var reports = new List<JobReport>();
        var store = await Harvest(Options("one"), new DirectProgress<JobReport>(reports.Add));
        Assert.True(store.IsComplete);
        Assert.Equal(["resid_post.0", "z.1"], store.Sites.Select(site => site.Site));
        var last = reports.OfType<JobStage>().Last(stage => stage.Unit == "rows");
        Assert.Equal((store.Rows, store.Rows), (last.Done, last.Total));

        var cancellation = TestContext.Current.CancellationToken;
        var verified = await StoreVerifyJob.RunAsync(new() { Store = store.Store.Folder }, cancellationToken: cancellation);
        Assert.Equal((store.Rows, 2), (verified.Rows, verified.Sites));
        Assert.Empty(verified.Problems);

        File.WriteAllText(_folder.File("text.txt"), string.Join("\n\n", Enumerable.Range(0, 40).Select(i => $"Line {i}: a dog ran off.")));
        var other = await Harvest(Options("two"));
        var merged = await StoreMergeJob.RunAsync(
            new() { Stores = [store.Store.Folder, other.Store.Folder], Target = _folder.File("both") },
            cancellationToken: cancellation
        );
        Assert.Equal(store.Rows + other.Rows, merged.Rows);
    }

    [Fact]
    public async Task the_result_has_one_json_form()
    {
        using var json = JsonDocument.Parse(ResultJson.Text(await Harvest(Options("store"))));
        Assert.Equal(
            ["model", "model_sha256", "dtype", "arithmetic", "rows", "complete", "bytes", "tokens", "skipped_rows", "sites", "parts"],
            json.RootElement.EnumerateObject().Select(member => member.Name)
        );
        Assert.Equal("exact", json.RootElement.GetProperty("arithmetic").GetString());
        Assert.Equal(
            ["folder", "part", "parts", "buckets", "rows", "planned_rows", "context", "bucket_rows", "seed", "text"],
            json.RootElement.GetProperty("parts")[0].EnumerateObject().Select(member => member.Name)
        );
    }

    [Fact]
    public async Task a_setting_that_cannot_be_is_named_as_each_front_knows_it()
    {
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() => Harvest(Options("store") with { BucketRows = 0 }));
        Assert.StartsWith("BucketRows: must be 1 or more", problem.Message);
        Assert.StartsWith("--bucket: must be 1 or more", problem.Describe(OptionWords.Of));
        problem = await Assert.ThrowsAsync<ArgumentProblemException>(() => Harvest(Options("store") with { MaxBytes = 10 }));
        Assert.EndsWith("take fewer tokens or sites or --dtype bf16", problem.Describe(OptionWords.Of));
        problem = await Assert.ThrowsAsync<ArgumentProblemException>(() => StoreMergeJob.RunAsync(new() { Stores = ["a", "b"] }));
        Assert.StartsWith("--out: name the folder", problem.Describe(OptionWords.Of));
    }

    [Fact]
    public async Task a_harvest_that_was_cancelled_says_what_is_kept()
    {
        var reports = new List<JobReport>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Harvest(Options("store"), new DirectProgress<JobReport>(reports.Add), new CancellationToken(canceled: true))
        );
        Assert.Contains("are kept", Assert.IsType<JobNote>(reports[^1]).Text);
    }

    private HarvestJobOptions Options(string store) =>
        new()
        {
            Text = [_folder.File("text.txt")],
            Sites = "resid_post.0,z.1",
            Store = _folder.File(store),
            Context = 32,
        };

    private static async Task<StoreSummary> Harvest(
        HarvestJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        using var microscope = await Microscope.OpenAsync(new() { Use = DictionaryUse.None }, progress, cancellationToken);
        return await HarvestJob.RunAsync(microscope, options, progress, cancellationToken);
    }
}

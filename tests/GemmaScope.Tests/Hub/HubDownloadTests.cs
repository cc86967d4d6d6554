using GemmaScope.Files;
using Xunit;
using static GemmaScope.Tests.Files.FakeHub;

namespace GemmaScope.Tests.Files;

public sealed class HubDownloadTests : IDisposable
{
    private const string Weights = "w/model.safetensors";
    private static readonly byte[] Content = FakeHub.Random(600_000);
    private readonly FakeHub _hub = new FakeHub().With(Weights, Content).With("config.json", "{}");

    private string Blob => Path.Combine(_hub.RepositoryFolder, "blobs", Sha256(Content));

    public void Dispose() => _hub.Dispose();

    private async Task<byte[]> GetAsync(HubOptions? options = null) =>
        await File.ReadAllBytesAsync((await Hub.ResolveFileAsync($"{Repository}/{Weights}", options ?? _hub.Options)).Path);

    private Task<HubException> FailAsync(HubOptions? options = null) => Assert.ThrowsAsync<HubException>(() => GetAsync(options));

    [Fact]
    public async Task a_dropped_connection_is_continued_where_it_broke()
    {
        _hub.StoreFault = Once(r => Part(r, Content) with { CutAfter = 400_000 });
        Assert.Equal(Content, await GetAsync());
        Assert.Equal([0, 400_000], _hub.StoreRequests.Select(r => r.From));
    }

    [Fact]
    public async Task as_many_drops_as_there_is_progress_do_no_harm()
    {
        _hub.StoreFault = Always(r => Part(r, Content) with { CutAfter = 50_000 });
        Assert.Equal(Content, await GetAsync(_hub.Options with { Attempts = 2 }));
        Assert.Equal(12, _hub.StoreRequests.Count);
    }

    [Fact]
    public async Task a_connection_that_drops_without_progress_ends_in_an_error_and_keeps_what_is_there()
    {
        _hub.StoreFault = Always(r => r.From == 0 ? Part(r, Content) with { CutAfter = 1000 } : Part(r, Content) with { CutAfter = 0 });
        Assert.Contains("continued", (await FailAsync()).Message, StringComparison.Ordinal);
        Assert.Equal(Content[..1000], await File.ReadAllBytesAsync(Blob + ".incomplete"));
        Assert.False(File.Exists(Blob));
    }

    [Fact]
    public async Task a_server_that_ignores_ranges_is_read_from_the_start()
    {
        _hub.StoreFault = Always(r => new(200, Content) { CutAfter = _hub.StoreRequests.Count == 1 ? 1000 : null });
        Assert.Equal(Content, await GetAsync());
    }

    [Theory]
    [InlineData("bytes 0-599999/600000")]
    [InlineData("bytes 1000-599999/700000")]
    [InlineData("nonsense")]
    public async Task a_wrong_range_is_read_from_the_start(string range)
    {
        _hub.StoreFault = Always(r =>
            r.From == 0
                ? new(200, Content) { CutAfter = _hub.StoreRequests.Count == 1 ? 1000 : null }
                : new(206, Content[1000..], ("Content-Range", range))
        );
        Assert.Equal(Content, await GetAsync());
        Assert.Equal([0, 1000, 0], _hub.StoreRequests.Select(r => r.From));
    }

    [Fact]
    public async Task an_incomplete_file_of_another_program_is_continued_and_a_wrong_one_replaced()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        await File.WriteAllBytesAsync(Blob + ".incomplete", Content[..1234]);
        Assert.Equal(Content, await GetAsync());
        Assert.Equal([1234], _hub.StoreRequests.Select(r => r.From));

        File.Delete(Blob);
        await File.WriteAllBytesAsync(Blob + ".incomplete", new byte[5000]);
        Assert.Equal(Content, await GetAsync());
        Assert.Equal([1234, 5000, 0], _hub.StoreRequests.Select(r => r.From));
    }

    [Fact]
    public async Task a_damaged_file_is_refused_and_nothing_of_it_stays()
    {
        var damaged = (byte[])Content.Clone();
        damaged[^1] ^= 1;
        _hub.StoreFault = Always(r => Part(r, damaged));
        Assert.Contains("damaged", (await FailAsync()).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Blob)!));
    }

    [Fact]
    public async Task a_small_file_is_checked_by_its_git_hash()
    {
        _hub.Fault = Always(r => r.Method == "GET" ? new(200, "[]"u8.ToArray()) : null);
        var error = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveFileAsync($"{Repository}/config.json", _hub.Options));
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(599_999)]
    [InlineData(600_001)]
    public async Task a_wrong_size_is_refused(int size)
    {
        _hub.StoreFault = Always(_ => new(200, FakeHub.Random(size)));
        var error = await FailAsync();
        Assert.Contains("600000", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{size}", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Blob));
    }

    [Fact]
    public async Task too_many_requests_wait_as_long_as_the_server_says()
    {
        _hub.Fault = Once(_ => new(429, null, ("Retry-After", "17")));
        await GetAsync();
        Assert.Equal([TimeSpan.FromSeconds(17)], _hub.Clock.Waits);
    }

    [Fact]
    public async Task a_retry_date_is_understood()
    {
        _hub.Fault = Once(_ => new(503, null, ("Retry-After", (_hub.Clock.GetUtcNow() + TimeSpan.FromSeconds(40)).ToString("R"))));
        await GetAsync();
        Assert.Equal([TimeSpan.FromSeconds(40)], _hub.Clock.Waits);
    }

    [Fact]
    public async Task an_hour_is_not_waited_for()
    {
        _hub.Fault = Always(_ => new(429, null, ("Retry-After", "3600")));
        Assert.Contains("3600", (await FailAsync()).Message, StringComparison.Ordinal);
        Assert.Empty(_hub.Clock.Waits);
    }

    [Fact]
    public async Task server_errors_are_tried_again_with_growing_pauses()
    {
        _hub.Fault = Always(_ => _hub.Requests.Count <= 4 ? new(500) : null);
        Assert.Equal(Content, await GetAsync());
        Assert.Equal(4, _hub.Clock.Waits.Count);
        Assert.All(_hub.Clock.Waits.Zip([1.0, 2, 4, 8]), w => Assert.InRange(w.First.TotalSeconds, w.Second / 2, w.Second));
    }

    [Fact]
    public async Task a_server_that_stays_broken_ends_in_an_error()
    {
        _hub.Fault = Always(_ => new(502));
        Assert.Contains("502", (await FailAsync()).Message, StringComparison.Ordinal);
        Assert.Equal(_hub.Options.Attempts, _hub.Requests.Count);
    }

    [Fact]
    public async Task a_silent_server_ends_in_an_error()
    {
        var over = new TaskCompletionSource<Answer?>();
        _hub.Fault = _ => over.Task;
        Assert.Contains(
            "no answer",
            (await FailAsync(_hub.Options with { Silence = TimeSpan.FromMilliseconds(50), Attempts = 2 })).Message,
            StringComparison.Ordinal
        );
        over.SetResult(null);
    }

    [Fact]
    public async Task cancellation_leaves_what_can_be_continued()
    {
        using var source = new CancellationTokenSource();
        var stuck = new TaskCompletionSource();
        _hub.StoreFault = async r => r.From == 0 ? Part(r, Content) with { CutAfter = 300_000 } : await Stop(r);
        async Task<Answer?> Stop(Request _)
        {
            await source.CancelAsync();
            await stuck.Task;
            return null;
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Hub.ResolveFileAsync($"{Repository}/{Weights}", _hub.Options, cancellationToken: source.Token)
        );
        stuck.SetResult();
        Assert.Equal(300_000, new FileInfo(Blob + ".incomplete").Length);

        _hub.StoreFault = null;
        Assert.Equal(Content, await GetAsync());
        Assert.Equal(300_000, _hub.StoreRequests.Last().From);
        Assert.False(File.Exists(Blob + ".incomplete"));
    }

    [Fact]
    public async Task two_clients_download_the_same_file_once()
    {
        // The first goes on when the second waits for it.
        _hub.StoreFault = async _ =>
        {
            await Patience.UntilAsync(() => !_hub.Clock.Waits.IsEmpty, "the second client");
            return null;
        };
        var both = await Task.WhenAll(GetAsync(), GetAsync());
        Assert.All(both, b => Assert.Equal(Content, b));
        Assert.Single(_hub.StoreRequests);
    }

    [Fact]
    public async Task a_full_disk_is_noticed_before_the_download()
    {
        var error = await FailAsync(_hub.Options with { FreeBytes = _ => 500_000 });
        Assert.Contains("make room or set HF_HUB_CACHE", error.Message, StringComparison.Ordinal);
        Assert.Empty(_hub.StoreRequests);
    }

    [Fact]
    public async Task a_cache_that_cannot_be_written_is_named()
    {
        File.WriteAllText(_hub.CacheFolder, "in the way");
        Assert.Contains("HF_HUB_CACHE", (await FailAsync()).Message, StringComparison.Ordinal);
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using GemmaScope.Files;

namespace GemmaScope.Tests.Files;

/// <summary>
/// One repository served as the hub does: metadata and small files at one origin, large files behind a redirect to a store at
/// another. <see cref="Fault"/> and <see cref="StoreFault"/> answer in its place.
/// </summary>
public sealed class FakeHub : IDisposable
{
    public const string Repository = "org/model";
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly string _served;
    private readonly LoopbackServer _hub;
    private readonly LoopbackServer _store;
    private readonly TemporaryFolder _folder = new();

    public FakeHub(string served = Repository)
    {
        _served = served;
        _hub = new(async r => (Fault is null ? null : await Fault(r)) ?? Serve(r));
        _store = new(async r => (StoreFault is null ? null : await StoreFault(r)) ?? Store(r));
    }

    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public Func<Request, Task<Answer?>>? Fault { get; set; }

    public Func<Request, Task<Answer?>>? StoreFault { get; set; }

    /// <summary>Files on one page of the tree.</summary>
    public int PageSize { get; set; } = 1000;

    public ImmediateClock Clock { get; } = new();

    public Uri Address => _hub.Address;

    public Uri StoreAddress => _store.Address;

    public string CacheFolder => Path.Combine(_folder.Path, "hub");

    public string RepositoryFolder => Path.Combine(CacheFolder, "models--org--model");

    public IReadOnlyCollection<Request> Requests => [.. _hub.Requests];

    public IReadOnlyCollection<Request> StoreRequests => [.. _store.Requests];

    public HubOptions Options =>
        new()
        {
            CacheFolder = CacheFolder,
            Endpoint = Address,
            Clock = Clock,
        };

    public void Dispose()
    {
        _hub.Dispose();
        _store.Dispose();
        _folder.Dispose();
    }

    public FakeHub With(string path, byte[] content)
    {
        Files[path] = content;
        return this;
    }

    public FakeHub With(string path, string content) => With(path, Encoding.UTF8.GetBytes(content));

    /// <summary>The first answer that is not null is given once, in place of the usual one.</summary>
    public static Func<Request, Task<Answer?>> Once(Func<Request, Answer?> answer)
    {
        var given = 0;
        return r => Task.FromResult(answer(r) is { } a && Interlocked.Exchange(ref given, 1) == 0 ? a : null);
    }

    public static Func<Request, Task<Answer?>> Always(Func<Request, Answer?> answer) => r => Task.FromResult(answer(r));

    public static byte[] Random(int bytes, int seed = 1)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

#pragma warning disable CA5350 // git's choice, not ours
    public static string GitSha1(byte[] content) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
#pragma warning restore CA5350

    /// <summary>A part of a content as an answer to a request with or without a range.</summary>
    public static Answer Part(Request request, byte[] content, params (string, string)[] headers)
    {
        if (request.From == 0)
            return new(200, content, headers);
        return new(
            206,
            content[(int)request.From..],
            [.. headers, ("Content-Range", $"bytes {request.From}-{content.Length - 1}/{content.Length}")]
        );
    }

    private static bool IsLarge(string path) =>
        path.EndsWith(".safetensors", StringComparison.Ordinal) || path.EndsWith(".npz", StringComparison.Ordinal);

    private Answer Serve(Request request)
    {
        var path = request.Path;
        if (path.StartsWith($"/api/models/{_served}/revision/", StringComparison.Ordinal))
            return Answer.Text(Info().ToJsonString());
        if (path == $"/api/models/{_served}/tree/{Commit}")
            return Tree(request);
        foreach (var revision in (string[])["main", Commit])
        {
            var start = $"/{_served}/resolve/{revision}/";
            if (path.StartsWith(start, StringComparison.Ordinal))
                return Resolve(request, path[start.Length..]);
        }
        return new(404, null, ("X-Error-Code", "RepoNotFound"));
    }

    private Answer Resolve(Request request, string path)
    {
        if (!Files.TryGetValue(path, out var content))
            return new(404, null, ("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", Commit));
        if (!IsLarge(path))
            return Part(request, content, ("ETag", $"W/\"{GitSha1(content)}\""), ("X-Repo-Commit", Commit));
        var sha = Sha256(content);
        return new(
            302,
            Encoding.ASCII.GetBytes("elsewhere"),
            ("X-Repo-Commit", Commit),
            ("X-Linked-Etag", $"\"{sha}\""),
            ("X-Linked-Size", $"{content.Length}"),
            ("Location", new Uri(StoreAddress, $"/{sha}?signed=yes").AbsoluteUri)
        );
    }

    private Answer Store(Request request) =>
        Files.Values.FirstOrDefault(c => request.Path == "/" + Sha256(c)) is { } content ? Part(request, content) : new(404);

    private JsonObject Info() =>
        new() { ["sha"] = Commit, ["siblings"] = new JsonArray([.. Files.Keys.Select(f => new JsonObject { ["rfilename"] = f })]) };

    private Answer Tree(Request request)
    {
        var start = request.Target.Contains("cursor=", StringComparison.Ordinal) ? int.Parse(request.Target.Split("cursor=")[1]) : 0;
        var page = new JsonArray([
            new JsonObject
            {
                ["type"] = "directory",
                ["path"] = "folder",
                ["size"] = 0,
                ["oid"] = "x",
            },
            .. Files.Skip(start).Take(PageSize).Select(f => Entry(f.Key, f.Value)),
        ]);
        var answer = Answer.Text(page.ToJsonString());
        if (start + PageSize >= Files.Count)
            return answer;
        var next = new Uri(Address, $"{request.Path}?recursive=true&cursor={start + PageSize}");
        return answer with { Headers = [("Link", $"<{next}>; rel=\"next\"")] };
    }

    private static JsonObject Entry(string path, byte[] content)
    {
        var entry = new JsonObject
        {
            ["type"] = "file",
            ["path"] = path,
            ["size"] = content.Length,
            ["oid"] = GitSha1(content),
        };
        if (IsLarge(path))
            entry["lfs"] = new JsonObject { ["oid"] = Sha256(content), ["size"] = content.Length };
        return entry;
    }
}

/// <summary>A clock whose timers fire at once and are remembered, so that no test waits.</summary>
public sealed class ImmediateClock : TimeProvider
{
    public System.Collections.Concurrent.ConcurrentQueue<TimeSpan> Waits { get; } = new();

    public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Enqueue(dueTime);
        ThreadPool.QueueUserWorkItem(_ => callback(state));
        return new Fired();
    }

    private sealed class Fired : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose() { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

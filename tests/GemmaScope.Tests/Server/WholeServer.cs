using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Tests.Server;

/// <summary>A server with all that one can have: the guard, a dictionary in memory, and a database of its features. What is asked of it may
/// change the database. A bare one has the guard alone.</summary>
internal sealed class WholeServer : IAsyncDisposable
{
    public const string Model = "demo-it";

    private readonly TemporaryFolder _folder;
    private readonly IFeatureDatabase _features;
    private readonly ServerHost _host;
    private readonly ServerLog _log;

    private WholeServer(TemporaryFolder folder, IFeatureDatabase features, ServerHost host, ServerLog log, string dictionary) =>
        (_folder, _features, _host, _log, Dictionary) = (folder, features, host, log, dictionary);

    public Uri Address => _host.Address;

    /// <summary>The dictionary's name in addresses.</summary>
    public string Dictionary { get; }

    /// <summary>All that it answers.</summary>
    public IReadOnlyList<RouteEndpoint> Endpoints { get; private init; } = [];

    public string Database => _folder.File("features.db");

    public IFeatureDatabase Features => _features;

    public string Log => $"{_log}";

    public static async Task<WholeServer> Start(DemoGuard guard, ServerOptions? options = null, bool bare = false)
    {
        var folder = new TemporaryFolder();
        var features = FeatureDatabase.Open(folder.File("features.db"), create: true);
        var name = FeatureLinks.PageName(guard.Dictionary);
        Write(features, name, guard.Dictionary.Width);
        var log = new ServerLog();
        IEndpointRouteBuilder? routes = null;
        var host = await ServerHost.StartAsync(
            bare ? new ServerModel(guard.Microscope) : new ServerModel(Microscope.Of(Model, guard.Model, guard.Dictionary), features),
            (options ?? new()) with
            {
                Port = 0,
                Log = log.Writer,
                Circuits = bare ? null : folder.Path,
                Endpoints = own => routes = own,
            }
        );
        return new(folder, features, host, log, name)
        {
            Endpoints = [.. routes!.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()],
        };
    }

    /// <summary>A dictionary of which three features are built.</summary>
    public static StoredDictionary Write(IFeatureDatabase features, string name, int width)
    {
        string[] pieces = ["<bos>", "▁cat", "▁dog", "▁sat"];
        var stored = features.Begin(
            new DashboardSource
            {
                Model = Model,
                Set = "tiny",
                Layer = 0,
                Corpus = new(1, 4, 3, 4),
                Text = "tiny",
                Pieces = pieces,
            },
            name,
            width,
            "by hand"
        );
        features.Write(
            stored,
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(feature => new LabelledDashboard(
                        TinyDashboards.Of(feature, [0, 1, 3, 2], new(1, 1), new(2, -1)),
                        [new FeatureLabel($"cats {feature}", "tester", "by hand", 0.5, null)]
                    )),
            ]
        );
        features.Complete(stored);
        return stored;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _features.Dispose();
        _folder.Dispose();
    }
}

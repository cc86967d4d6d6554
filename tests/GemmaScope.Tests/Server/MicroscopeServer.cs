using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Tests.Cli;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;
using Xunit;

[assembly: AssemblyFixture(typeof(GemmaScope.Tests.Server.MicroscopeServer))]

namespace GemmaScope.Tests.Server;

/// <summary>A server with the demo model, its dictionary, and dashboards over a little text; one for all tests, started when the first
/// asks.</summary>
public sealed class MicroscopeServer : IAsyncDisposable
{
    /// <summary>What a stranger might put into a label, a token or an address.</summary>
    public const string Attack = "\"'><script>attacked=1</script><img src=x onerror=attacked=1>";

    public const string Model = "demo-pt",
        Dictionary = BuiltFeatures.Dictionary,
        Hostile = "0-hostile",
        Graph = "golden",
        HostileGraph = "hostile";

    private readonly TemporaryFolder _folder = new();
    private readonly ServerLog _log = new();
    private readonly Lazy<Task<Running>> _running;

    public MicroscopeServer() => _running = new(Start);

    /// <summary>Where it listens.</summary>
    public async Task<Uri> Address() => (await _running.Value).Host.Address;

    /// <summary>What it has logged.</summary>
    public string Log => $"{_log}";

    /// <summary>Its database.</summary>
    public async Task<IFeatureDatabase> Database() => (await _running.Value).Database;

    /// <summary>The dictionary of the demo model.</summary>
    public async Task<StoredDictionary> Stored() => (await Database()).Dictionaries().Single(one => one.Name == Dictionary);

    /// <summary>A feature that fires, which has the hostile label.</summary>
    public async Task<int> Labelled() => (await _running.Value).Labelled;

    /// <summary>The dictionary of the demo model, once more.</summary>
    public static SparseDictionary LoadDictionary() =>
        SparseDictionary.Load(
            Directory
                .EnumerateDirectories(
                    Path.Combine(AppContext.BaseDirectory, "models", "demo-sae"),
                    "average_l0_*",
                    SearchOption.AllDirectories
                )
                .Single()
        );

    public async ValueTask DisposeAsync()
    {
        // A server that did not start has failed the tests that asked for it already.
        if (_running is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await (await _running.Value).DisposeAsync();
        _folder.Dispose();
    }

    private async Task<Running> Start()
    {
        File.WriteAllText(
            _folder.File("text.txt"),
            string.Concat(Enumerable.Range(0, 6).Select(i => $"The {i}th cat <b>sat</b> on the mat in Paris 😀. "))
        );
        var database = _folder.File("features.db");
        var built = CommandLine.Run(
            "features",
            "build",
            "--text",
            _folder.File("text.txt"),
            "--tokens",
            "120",
            "--window",
            "32",
            "--no-neurons",
            "--db",
            database
        );
        Assert.True(built.Code == 0, built.Error);
        var features = FeatureDatabase.Open(database);
        var stored = features.Dictionaries().Single();
        var labelled = features.Table(stored, new FeatureFilter()).MaxBy(row => row.Max)!.Feature;
        features.AddLabels(stored, [(labelled, new FeatureLabel(Attack, Attack, "by hand", 0.71, Attack))]);
        AddHostile(features);
        var model = GemmaModel.Load(Path.Combine(AppContext.BaseDirectory, "models", "demo-pt"));
        var dictionary = LoadDictionary();
        AddGraphs(_folder.File("graphs"));
        AddStudies(_folder.File("studies"));
        var host = await ServerHost.StartAsync(
            new ServerModel(Microscope.Of(Model, model, dictionary), features),
            new ServerOptions
            {
                Port = 0,
                Circuits = _folder.File("graphs"),
                Studies = [_folder.File("studies")],
                Log = _log.Writer,
                Guard = null,
                TimeLimit = Patience.Limit,
            }
        );
        return new Running(host, model, dictionary, features, labelled);
    }

    /// <summary>A golden graph; the same with attacks wherever a text is; and a file that was cut short.</summary>
    private static void AddGraphs(string folder)
    {
        Directory.CreateDirectory(folder);
        var golden = Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json");
        File.Copy(golden, Path.Combine(folder, Graph + ".json"));
        var graph = GraphDocument.Read(golden);
        var hostile = graph with
        {
            Metadata = graph.Metadata with
            {
                Slug = Attack,
                Scan = Attack,
                Prompt = Attack,
                PromptTokens = [.. graph.Metadata.PromptTokens.Select(_ => Attack)],
            },
            Nodes = [.. graph.Nodes.Select(node => node with { Label = Attack })],
        };
        hostile.Write(Path.Combine(folder, HostileGraph + ".json"));
        File.WriteAllText(Path.Combine(folder, "cut.json"), File.ReadAllText(golden)[..1000]);
    }

    /// <summary>A study; one that is not finished; one that was cut short; and one with attacks wherever a text is.</summary>
    private static void AddStudies(string folder)
    {
        var plot = new SvgPlot("refused", "strength", "share").Series([
            ("all", [new PlotPoint(0, 1, "none"), new PlotPoint(1, 0.5, "half")]),
        ]);
        StudySamples.Write(
            Path.Combine(folder, "whole"),
            StudySamples.Result("What is a cat?"),
            $"<h2>What was found</h2>\n<div class=\"plots\">{plot}</div>\n<p>half</p>"
        );
        StudySamples.Write(Path.Combine(folder, "half"), null);
        var cut = StudySamples.Write(Path.Combine(folder, "cut"), StudySamples.Result());
        File.WriteAllText(Path.Combine(cut, "result.json"), File.ReadAllText(Path.Combine(cut, "result.json"))[..100]);
        StudySamples.Write(Path.Combine(folder, "hostile"), StudySamples.Result(Attack, Attack), $"<p>{Attack}</p>");
    }

    /// <summary>A dictionary of one feature whose words are attacks.</summary>
    private static void AddHostile(IFeatureDatabase database)
    {
        var source = new DashboardSource
        {
            Model = Model,
            Set = "hostile",
            Layer = 0,
            Corpus = new(1, 4, 3, 4),
            Text = Attack,
            Pieces = [Attack, "<0xF0>", "▁\u202Eplain\0"],
        };
        var stored = database.Begin(source, Hostile, 1, "by hand");
        database.Write(stored, [new LabelledDashboard(TinyDashboards.Of(0, [1, 0, 2, 1], new(0, 1), new(1, -1)), [])]);
        database.Complete(stored);
        database.SetNote(stored, 0, Attack);
    }

    private sealed record Running(
        ServerHost Host,
        GemmaModel ServedModel,
        SparseDictionary ServedDictionary,
        IFeatureDatabase Database,
        int Labelled
    ) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            Database.Dispose();
            ServedDictionary.Dispose();
            ServedModel.Dispose();
        }
    }
}

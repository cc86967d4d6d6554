using GemmaScope.Cli;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Tests.Cli;
using GemmaScope.Tests.Dictionaries;
using GemmaScope.Workbench;
using Xunit;

[assembly: AssemblyFixture(typeof(GemmaScope.Tests.Server.LayersServer))]

namespace GemmaScope.Tests.Server;

/// <summary>
/// A server with dictionaries of several layers: a suite that the sweep trained, built and served as a folder, and the demo's. Beside it a
/// slow one, whose random dictionaries
/// fire so much that each takes a while. Both are started when the first test asks.
/// </summary>
public sealed class LayersServer : IAsyncDisposable
{
    public const string Demo = BuiltFeatures.Dictionary;

    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<Task<Running>> _suite,
        _slow;

    public LayersServer() => (_suite, _slow) = (new(StartSuite), new(StartSlow));

    /// <summary>Where the server of the suite listens.</summary>
    public async Task<Uri> Address() => (await _suite.Value).Host.Address;

    /// <summary>Its database.</summary>
    public async Task<IFeatureDatabase> Database() => (await _suite.Value).Database!;

    /// <summary>Its dictionaries by layer.</summary>
    internal async Task<IReadOnlyList<SparseDictionary>> Dictionaries() => (await _suite.Value).Dictionaries;

    /// <summary>Its model.</summary>
    internal async Task<GemmaModel> Model() => (await _suite.Value).Model;

    /// <summary>Where the slow server listens.</summary>
    public async Task<Uri> Slow() => (await _slow.Value).Host.Address;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in (Lazy<Task<Running>>[])[_suite, _slow])
            if (server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
                await (await server.Value).DisposeAsync();
        _folder.Dispose();
    }

    private async Task<Running> StartSuite()
    {
        var (text, suite, database) = (_folder.File("text.txt"), _folder.File("suite"), _folder.File("features.db"));
        File.WriteAllText(
            text,
            string.Join(' ', Enumerable.Range(0, 60).Select(i => $"The cat saw {i} dogs, {i * 7 % 10} rivers and a city."))
        );
        File.WriteAllText(
            _folder.File("suite.yaml"),
            $$"""
            output: "{{suite}}"
            grid:
              layers: [1, 2, 4]
              widths: [32]
              lambdas: [0.001, 0.1]
            base:
              data: {text: "{{text}}", model: demo-pt, window: 32, buffer_rows: 256}
              batch: 64
              steps: 12
              recipe: {learning_rate: 0.01, warmup_steps: 1, lambda_warmup_steps: 1, epsilon: 0.05, threshold_start: 0.02}
              evaluation: {text: "{{text}}", tokens: 500}
            """
        );
        foreach (
            var arguments in (string[][])
                [
                    ["sweep", _folder.File("suite.yaml")],
                    [
                        "features",
                        "build",
                        "--text",
                        text,
                        "--tokens",
                        "200",
                        "--window",
                        "32",
                        "--no-neurons",
                        "--sae",
                        suite,
                        "--sae",
                        "demo-sae",
                        "--db",
                        database,
                    ],
                ]
        )
        {
            var done = CommandLine.Run(arguments);
            Assert.True(done.Code == 0, done.Error);
        }
        return await Running.Start(
            [.. DictionaryFinder.All(suite).Select(path => SparseDictionary.Load(path)), MicroscopeServer.LoadDictionary()],
            FeatureDatabase.Open(database)
        );
    }

    private Task<Running> StartSlow() =>
        Running.Start(new SampleLayers(_folder.File("slow"), 256, [0, 1, 2, 3, 4, 5], width: 8192).Dictionaries, null);

    private sealed record Running(
        ServerHost Host,
        GemmaModel Model,
        IReadOnlyList<SparseDictionary> Dictionaries,
        IFeatureDatabase? Database
    ) : IAsyncDisposable
    {
        public static async Task<Running> Start(IReadOnlyList<SparseDictionary> dictionaries, IFeatureDatabase? database)
        {
            var model = GemmaModel.Load(Path.Combine(AppContext.BaseDirectory, "models", "demo-pt"));
            var host = await ServerHost.StartAsync(
                new ServerModel(Microscope.Of(MicroscopeServer.Model, model, dictionaries), database),
                new ServerOptions
                {
                    Port = 0,
                    Guard = null,
                    TimeLimit = Patience.Limit,
                }
            );
            return new(host, model, dictionaries, database);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            Database?.Dispose();
            foreach (var one in Dictionaries)
                one.Dispose();
            Model.Dispose();
        }
    }
}

using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Bench;

/// <summary>
/// Feature pages and live tests from a server with a real vocabulary's number of words. Who asks is a process of its own on the same cores,
/// and its share of them
/// is a figure too. Pages are asked for once each, so that none is remembered, and then few of them again and again.
/// </summary>
internal sealed class ServeBenchmark() : Benchmark("serve", "feature pages and live tests from a server")
{
    private const double Rate = 2000,
        HalfRate = 1000,
        SlowestPage = 50,
        SlowestTest = 100;
    private const int Few = 64,
        ManyClients = 200;
    private const string Model = "demo-pt";

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var quick = setup.Options.Quick;
        var folder = Directory.CreateTempSubdirectory("gemmascope-serve-");
        try
        {
            using var model = GemmaModel.Load(DemoFiles.Require(Model));
            using var dictionary = SparseDictionary.Load(
                Directory
                    .EnumerateDirectories(DemoFiles.Require("demo-sae"), "average_l0_*", SearchOption.AllDirectories)
                    .Order(StringComparer.Ordinal)
                    .First()
            );
            using var database = FeatureDatabase.Open(Path.Combine(folder.FullName, "pages.db"), create: true);
            var stored = FeaturePageBenchmark.Fill(database, quick ? 16 : 4096);
            var host = ServerHost
                .StartAsync(
                    new ServerModel(Microscope.Of(Model, model, dictionary), database),
                    new ServerOptions { Port = 0, Guard = null }
                )
                .GetAwaiter()
                .GetResult();
            try
            {
                foreach (var figure in Pages(setup, database, stored, host))
                    yield return figure;
                var name = MicroscopeDictionary.Of(Model, [dictionary], database)[0].Name;
                yield return Figure.Below(
                    "live test on the demo model, median",
                    Test(host, name, quick ? 5 : 200, setup.Cancellation).GetAwaiter().GetResult(),
                    "ms",
                    "allowed",
                    SlowestTest
                );
            }
            finally
            {
                host.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<Figure> Pages(BenchSetup setup, IFeatureDatabase database, StoredDictionary stored, ServerHost host)
    {
        var (features, rounds) = (stored.Features, setup.Options.Quick ? 1 : setup.Options.Rounds);
        var load = new PageLoad(host.Address.Port, $"/{stored.Model}/{stored.Name}/", features, Clients: 8, Requests: features);
        // What was remembered is made anew after a change, so that each page of a round is the first of its kind.
        PageLoadResult Anew(PageLoad load)
        {
            database.SetNote(stored, 0, $"{Guid.NewGuid()}");
            return Run(load);
        }
        PageLoadResult Run(PageLoad load) => load.Run(setup.Options.Command, setup.Cancellation).GetAwaiter().GetResult();

        // Some thousand pages until all that makes them is compiled for good.
        for (var i = 0; i < (setup.Options.Quick ? 1 : 3); i++)
            Anew(load);
        var (each, own) = Measured(() => Anew(load));
        var few = load with { Features = Math.Min(Few, features), Requests = 4 * features };
        Run(few);
        var (hot, ownHot) = Measured(() => Run(few));
        var paced = load with { Clients = 64, Rate = HalfRate };
        var slow = Enumerable.Range(0, rounds).Select(_ => Anew(paced)).ToArray();
        var many = Run(
            load with
            {
                Clients = setup.Options.Quick ? 8 : ManyClients,
                Requests = setup.Options.Quick ? 64 : int.MaxValue,
                Seconds = setup.Options.Full ? 60 : 10,
            }
        );

        yield return Figure.AtLeast("feature pages, each another one", [.. each.Select(run => run.Rate)], "pages/s", "wanted", Rate);
        yield return Figure.AtLeast(
            $"feature pages, {few.Features} again and again",
            [.. hot.Select(run => run.Rate)],
            "pages/s",
            "wanted",
            Rate
        );
        yield return Figure.Of("processor time of a page, each another one", own, "ms");
        yield return Figure.Of($"processor time of a page, {few.Features} again and again", ownHot, "ms");
        yield return Figure.Of(
            "processor time of asking for a page",
            [.. each.Select(run => 1e3 * run.ProcessorSeconds / run.Answered)],
            "ms"
        );
        yield return Figure.Below(
            $"feature page at {HalfRate:0} in a second, p99",
            [.. slow.Select(run => run.Slow)],
            "ms",
            "allowed",
            SlowestPage
        );
        yield return Figure.Of($"feature page at {HalfRate:0} in a second, median", [.. slow.Select(run => run.Median)], "ms");
        yield return Figure.AtLeast(
            $"answered whole, of what {ManyClients} clients asked in {many.Seconds:0} s",
            [many.Answered],
            "pages",
            "asked",
            many.Answered + many.Failed
        );
        yield return Figure.Of($"feature page for {ManyClients} clients, p99", [many.Slow], "ms");

        (PageLoadResult[] Runs, double[] Own) Measured(Func<PageLoadResult> run)
        {
            using var self = Process.GetCurrentProcess();
            var (runs, own) = (new PageLoadResult[rounds], new double[rounds]);
            for (var i = 0; i < rounds; i++)
            {
                self.Refresh();
                var before = self.TotalProcessorTime;
                runs[i] = run();
                self.Refresh();
                own[i] = (self.TotalProcessorTime - before).TotalMilliseconds / runs[i].Answered;
            }
            return (runs, own);
        }
    }

    /// <summary>Milliseconds of one test after another, each of another text.</summary>
    private static async Task<double[]> Test(ServerHost host, string dictionary, int tests, CancellationToken cancellationToken)
    {
        string[] words = ["the", "house", "of", "a", "small", "town", "and", "its", "garden", "in", "spring"];
        using var client = new HttpClient { BaseAddress = host.Address };
        var (random, times) = (new Random(5), new double[tests]);
        for (var i = -tests / 4; i < tests; i++)
        {
            var text = string.Join(' ', Enumerable.Range(0, 20).Select(_ => words[random.Next(words.Length)]));
            var begun = Stopwatch.GetTimestamp();
            using var answer = await client.PostAsJsonAsync(
                "/api/test",
                new
                {
                    dictionary,
                    feature = random.Next(100),
                    text,
                },
                cancellationToken
            );
            using var json = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellationToken));
            if (json.RootElement.GetProperty("tokens").GetArrayLength() < 20)
                throw new GemmaScopeException("a live test was answered without its tokens", "bench serve");
            if (i >= 0)
                times[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }
        return times;
    }
}

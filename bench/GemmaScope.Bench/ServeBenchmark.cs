using System.Diagnostics;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Server.Store;

namespace GemmaScope.Bench;

/// <summary>Feature pages through HTTP, from a server with a real vocabulary's number of words; who asks runs on the same cores.</summary>
internal sealed class ServeBenchmark() : Benchmark("serve", "feature pages from a server")
{
    private const int Clients = 4;
    private const double FirstPaint = 100;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (features, requests) = setup.Options.Quick ? (16, 32) : (512, 2000);
        var folder = Directory.CreateTempSubdirectory("gemmascope-serve-");
        try
        {
            using var model = GemmaModel.Load(DemoFiles.Require("demo-pt"));
            using var database = FeatureDatabase.Open(Path.Combine(folder.FullName, "pages.db"), create: true);
            var stored = FeaturePageBenchmark.Fill(database, features);
            var (seconds, times) = Ask(model, database, stored, requests, setup.Cancellation).GetAwaiter().GetResult();
            yield return Figure.Below("feature page over HTTP, p99", [times.Order().ElementAt(requests * 99 / 100)], "ms", "first useful paint", FirstPaint);
            yield return Figure.Of("feature page over HTTP, median", times, "ms");
            yield return Figure.Of($"feature pages over HTTP, {Clients} at once", [requests / seconds], "pages/s");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(double Seconds, double[] Milliseconds)> Ask(GemmaModel model, IFeatureDatabase database, StoredDictionary stored, int requests, CancellationToken cancellation)
    {
        await using var host = await ServerHost.Start(new ServerOptions { Port = 0 }, new ServerModel("demo-pt", model, [], database), MicroscopeRoutes.Map);
        using var client = new HttpClient { BaseAddress = host.Address };
        async Task<double> Page(int feature)
        {
            var start = Stopwatch.GetTimestamp();
            await client.GetByteArrayAsync(new Uri($"/{stored.Model}/{stored.Name}/{feature}", UriKind.Relative), cancellation);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        // The first page of a process is compiled while it is made.
        for (var i = 0; i < Math.Min(requests, 200); i++) await Page(i % stored.Width);
        var times = new double[requests];
        var random = new Random(11);
        var wanted = Enumerable.Range(0, requests).Select(_ => random.Next(stored.Width)).ToArray();
        var begin = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = cancellation }, async (i, _) => times[i] = await Page(wanted[i]));
        return (Stopwatch.GetElapsedTime(begin).TotalSeconds, times);
    }
}

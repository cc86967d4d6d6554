using System.Diagnostics;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Server.Store;

namespace GemmaScope.Bench;

/// <summary>Opening feature pages at random places of a SQLite file, and how much room they take: examples of 128 tokens in the numbers of a real vocabulary.</summary>
internal sealed class FeaturePageBenchmark() : Benchmark("pages", "feature pages in SQLite")
{
    private const int Vocabulary = 256_000, Window = 128, Neighbours = 5, Words = 10;
    private const double LargestPage = 4096, SlowestRead = 10;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (features, reads) = setup.Options.Quick ? (64, 64) : (4096, 4000);
        var folder = Directory.CreateTempSubdirectory("gemmascope-pages-");
        try
        {
            var random = new Random(7);
            using var database = FeatureDatabase.Open(Path.Combine(folder.FullName, "pages.db"), create: true);
            var stored = Fill(database, features);
            var times = new double[reads];
            for (var i = 0; i < reads; i++)
            {
                setup.Cancellation.ThrowIfCancellationRequested();
                var start = Stopwatch.GetTimestamp();
                database.Page(stored, random.Next(features));
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
            yield return Figure.Below("feature page from SQLite, p99", [times.Order().ElementAt(reads * 99 / 100)], "ms", "slowest allowed", SlowestRead);
            yield return Figure.Of("feature page from SQLite, median", times, "ms");
            yield return Figure.Below("feature page, bytes on average", [database.MeanPageBytes()], "bytes", "room for a page", LargestPage);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A dictionary of random features.</summary>
    public static StoredDictionary Fill(IFeatureDatabase database, int features)
    {
        var random = new Random(7);
        var source = new DashboardSource
        {
            Model = "random", Set = "pages", Layer = 0, Corpus = new(100_000, 100_000L * Window, 99_000L * Window, Window), Pieces = [.. Enumerable.Range(0, Vocabulary).Select(i => $"w{i}")],
        };
        var stored = database.Begin(source, source.Name, features, "random");
        foreach (var part in Enumerable.Range(0, features).Select(i => new LabelledDashboard(Dashboard(i, random), [])).Chunk(256)) database.Write(stored, part);
        database.Complete(stored);
        return database.Dictionaries().Single(one => one.Id == stored.Id);
    }

    /// <summary>Numbers as those of a trained dictionary are: a feature that fires four times in an example, words that are the rarer the higher their number.</summary>
    private static FeatureDashboard Dashboard(int feature, Random random)
    {
        TokenScore[] Scores() => [.. Enumerable.Range(0, Words).Select(_ => new TokenScore(random.Next(Vocabulary), random.NextSingle()))];
        LogitEffects Logits() => new(Scores(), Scores(), -1, 1, [.. Enumerable.Range(0, 50).Select(_ => random.Next(10_000))]);
        FeatureExample Example(int interval)
        {
            var values = new float[Window];
            for (var i = 0; i < 4; i++) values[random.Next(1, Window)] = 1 + 9 * random.NextSingle();
            return new(interval, random.Next(100_000), Array.IndexOf(values, values.Max()), [.. Enumerable.Range(0, Window).Select(_ => (int)Math.Exp(random.NextDouble() * Math.Log(Vocabulary)))], values);
        }
        return new FeatureDashboard
        {
            Feature = feature, Count = random.Next(100_000), Density = 0.004, DensityAllPositions = 0.004, Max = 10, MeanNonzero = 3, DecoderNorm = 1,
            Histogram = [.. Enumerable.Range(0, 50).Select(_ => random.Next(5000))], IntervalShares = [0.002, 0.001, 0.0005, 0.0003, 0.0002],
            Examples = [.. Enumerable.Repeat(-1, 20).Concat(Enumerable.Range(0, 25).Select(i => 4 - i / 5)).Select(Example)],
            Alignment = [.. Enumerable.Range(0, 10).Select(i => new AlignedCoordinate(random.Next(2304), 0.1f, 0.01f))],
            Neighbours = [.. Enumerable.Range(0, Neighbours).Select(_ => new NearFeature(random.Next(16384), 0.5f))],
            CorrelatedFeatures = [.. Enumerable.Range(0, Neighbours).Select(_ => new CorrelatedFeature(random.Next(16384), 0.5f, 0.5f))],
            CorrelatedNeurons = [.. Enumerable.Range(0, Neighbours).Select(_ => new CorrelatedNeuron(random.Next(2304), 0.5f, 0.5f))],
            Together = [.. Enumerable.Range(0, Neighbours).Select(_ => new TogetherFeature(random.Next(16384), random.Next(10_000)))],
            Logits = Logits(), GainedLogits = Logits(),
        };
    }
}

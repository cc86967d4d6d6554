using System.Diagnostics;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Store;

namespace GemmaScope.Bench;

/// <summary>Opening feature pages at random places of a SQLite file, and how much room they take: examples of 128 tokens in the numbers of
/// a real vocabulary.</summary>
internal sealed class FeaturePageBenchmark() : Benchmark("pages", "feature pages in SQLite")
{
    private const int Window = 128,
        Sequences = 100_000,
        Neighbours = 5,
        Words = 10,
        FullDictionaries = 26,
        FullFeatures = 16_384;

    private static readonly string[] Vocabulary = [.. Enumerable.Range(0, 256_000).Select(i => $"w{i}")];

    private const double LargestPage = 4096,
        SlowestRead = 10;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (dictionaries, features, reads) = setup.Options switch
        {
            { Quick: true } => (1, 64, 64),
            { Full: true } => (FullDictionaries, FullFeatures, 20_000),
            _ => (1, 4096, 4000),
        };
        var folder = Directory.CreateTempSubdirectory("gemmascope-pages-");
        try
        {
            var file = Path.Combine(folder.FullName, "pages.db");
            var begun = Stopwatch.GetTimestamp();
            using (var filled = FeatureDatabase.Open(file, create: true))
                for (var i = 0; i < dictionaries; i++)
                {
                    setup.Cancellation.ThrowIfCancellationRequested();
                    Fill(filled, features, i);
                    if (dictionaries > 1)
                        setup.Report(
                            $"{i + 1} of {dictionaries} dictionaries, "
                                + $"{(i + 1) * features / Stopwatch.GetElapsedTime(begun).TotalSeconds:0} features/s"
                        );
                }
            var rate = dictionaries * features / Stopwatch.GetElapsedTime(begun).TotalSeconds;

            // Opened anew, so that SQLite has read nothing yet.
            using var database = FeatureDatabase.Open(file);
            var (random, stored, times) = (new Random(7), database.Dictionaries(), new double[reads]);
            for (var i = 0; i < reads; i++)
            {
                setup.Cancellation.ThrowIfCancellationRequested();
                var (one, feature) = (stored[random.Next(stored.Count)], random.Next(features));
                var start = Stopwatch.GetTimestamp();
                database.Page(one, feature);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
            yield return Figure.Of("features in SQLite", [dictionaries * features], "features");
            yield return Figure.Below(
                "feature page from SQLite, p99",
                [times.Order().ElementAt(reads * 99 / 100)],
                "ms",
                "slowest allowed",
                SlowestRead
            );
            yield return Figure.Of("feature page from SQLite, median", times, "ms");
            yield return Figure.Below(
                "feature page, bytes on average",
                [((SqlFeatureDatabase)database).MeanPageBytes()],
                "bytes",
                "room for a page",
                LargestPage
            );
            yield return Figure.Below(
                "feature page with the sources of attention, bytes on average",
                [PageWithSources()],
                "bytes",
                "room for a page",
                LargestPage
            );
            yield return Figure.Of(
                "the whole database, bytes of a feature",
                [new FileInfo(file).Length / (double)(dictionaries * features)],
                "bytes"
            );
            yield return Figure.Of("features written to SQLite", [rate], "features/s");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A dictionary of random features.</summary>
    public static StoredDictionary Fill(IFeatureDatabase database, int features, int number = 0)
    {
        var random = new Random(7 + number);
        var source = new DashboardSource
        {
            Model = "random",
            Set = "pages",
            Layer = number,
            Corpus = new(Sequences, (long)Sequences * Window, (Window - 1L) * Sequences, Window),
            Pieces = Vocabulary,
        };
        var stored = database.Begin(source, source.Name, features, "random");
        foreach (
            var part in Enumerable.Range(0, features).Select(i => new LabelledDashboard(Dashboard(i, features, random), [])).Chunk(256)
        )
            database.Write(stored, part);
        database.Complete(stored);
        return database.Dictionaries().Single(one => one.Id == stored.Id);
    }

    /// <summary>Bytes of a page of an attention dictionary: of each example of the top group it has also from which tokens the activation
    /// came, a few much and most a little: half of them more than a step. (With a dictionary of the demo model it is a fifth.)</summary>
    private static double PageWithSources()
    {
        var random = new Random(7);
        float Source() => (random.Next(2) == 0 ? 5 : -5) * MathF.Pow(random.NextSingle(), 8);
        FeatureExample Traced(FeatureExample example) =>
            example.Interval >= 0
                ? example
                : example with
                {
                    Sources = [.. Enumerable.Range(0, Window).Select(i => i <= example.Position ? Source() : 0)],
                };
        return Enumerable
            .Range(0, 64)
            .Select(i => Dashboard(i, FullFeatures, random))
            .Average(one =>
                PageCodec
                    .Encode(one with { Examples = [.. one.Examples.Select(Traced)], HeadShares = [.. Enumerable.Repeat(0.125f, 8)] })
                    .Length
            );
    }

    /// <summary>Numbers as those of a trained dictionary are: a feature that fires four times in an example, words that are the rarer the
    /// higher their number.</summary>
    private static FeatureDashboard Dashboard(int feature, int features, Random random)
    {
        TokenScore[] Scores() =>
            [.. Enumerable.Range(0, Words).Select(_ => new TokenScore(random.Next(Vocabulary.Length), random.NextSingle()))];
        LogitEffects Logits() => new(Scores(), Scores(), -1, 1, [.. Enumerable.Range(0, 50).Select(_ => random.Next(10_000))]);
        FeatureExample Example(int interval)
        {
            var values = new float[Window];
            for (var i = 0; i < 4; i++)
                values[random.Next(1, Window)] = 1 + 9 * random.NextSingle();
            return new(
                interval,
                random.Next(Sequences),
                Array.IndexOf(values, values.Max()),
                [.. Enumerable.Range(0, Window).Select(_ => (int)Math.Exp(random.NextDouble() * Math.Log(Vocabulary.Length)))],
                values
            );
        }
        return new FeatureDashboard
        {
            Feature = feature,
            Count = random.Next(100_000),
            Density = 0.004,
            DensityAllPositions = 0.004,
            Max = 10,
            MeanNonzero = 3,
            DecoderNorm = 1,
            Histogram = [.. Enumerable.Range(0, 50).Select(_ => random.Next(5000))],
            IntervalShares = [0.002, 0.001, 0.0005, 0.0003, 0.0002],
            Examples = [.. Enumerable.Repeat(-1, 20).Concat(Enumerable.Range(0, 25).Select(i => 4 - i / 5)).Select(Example)],
            Alignment = [.. Enumerable.Range(0, 10).Select(i => new AlignedCoordinate(random.Next(2304), 0.1f, 0.01f))],
            Neighbours = [.. Enumerable.Range(0, Neighbours).Select(_ => new NearFeature(random.Next(features), 0.5f))],
            CorrelatedFeatures = [.. Enumerable.Range(0, Neighbours).Select(_ => new CorrelatedFeature(random.Next(features), 0.5f, 0.5f))],
            CorrelatedNeurons = [.. Enumerable.Range(0, Neighbours).Select(_ => new CorrelatedNeuron(random.Next(2304), 0.5f, 0.5f))],
            Together = [.. Enumerable.Range(0, Neighbours).Select(_ => new TogetherFeature(random.Next(features), random.Next(10_000)))],
            Logits = Logits(),
            GainedLogits = Logits(),
        };
    }
}

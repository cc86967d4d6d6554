using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>What a harvest costs beyond the model's own work and the writing of its bytes, and how fast a store is read.</summary>
internal sealed class HarvestBenchmark() : Benchmark("harvest", "harvest of resid_post, z and mlp_out, and reading the store")
{
    private const int ReadRows = 4096;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.Options.Quick ? ModelShape.Tiny : ModelShape.TwoLayers);
        using var folder = new ScratchFolder(setup.Options.Folder);
        var windows = Enumerable
            .Range(0, setup.Options.Quick ? 8 : 4)
            .Select(_ => BenchSetup.Tokens(model.Config, setup.PrefillTokens))
            .ToArray();
        var text = new WindowSource(() => windows, ids => [.. ids.Select((_, position) => position > 0)], setup.PrefillTokens);
        Site[] sites =
        [
            .. Enumerable
                .Range(0, model.Config.Layers)
                .SelectMany(layer => new[] { Site.ResidPost(layer), Site.Z(layer), Site.MlpOut(layer) }),
        ];
        var options = new HarvestOptions
        {
            Sites = sites,
            WindowsPerRun = 1,
            BucketRows = 1 << 20,
            Arithmetic = Arithmetic.Exact,
            ModelHash = "",
        };
        var store = Harvester.Run(model, text, folder.New(), options, cancellationToken: setup.Cancellation);
        var bytes = store.Rows * store.Manifest.Contents.RowBytes;

        var rates = setup.Race(
            new Contestant(1, () => Harvester.Run(model, text, folder.New(), options, cancellationToken: setup.Cancellation), folder.Clear),
            new Contestant(1, () => Prefill(model, windows, sites)),
            new Contestant(1, () => Write(folder.New(), bytes), folder.Clear),
            Reading(store)
        );
        var harvest = Seconds(rates[0]);
        double[] parts = [.. rates[1].Zip(rates[2], (prefill, write) => 1 / prefill + 1 / write)];
        yield return Figure.Below(
            "harvest, extra time",
            [.. harvest.Zip(parts, (whole, sum) => 100 * (whole / sum - 1))],
            "%",
            "of prefill and disk write",
            15
        );
        yield return Figure.Of("disk write", [.. rates[2].Select(rate => rate * bytes)], GigaBytes, 1e9);
        yield return Figure.Of("reading a store", rates[3], GigaBytes, 1e9);
    }

    private static double[] Seconds(double[] rates) => [.. rates.Select(rate => 1 / rate)];

    private static void Prefill(GemmaModel model, int[][] windows, Site[] sites)
    {
        foreach (var ids in windows)
            model.Run(ids, logits: LogitRows.None, stopAfter: sites.Max(), arithmetic: Arithmetic.Exact).Dispose();
    }

    /// <summary>The same number of bytes, written once from end to end and forced to the disk.</summary>
    private static void Write(string folder, long bytes)
    {
        Directory.CreateDirectory(folder);
        using var file = new FileStream(Path.Combine(folder, "bytes"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        for (long at = 0; at < bytes; at += block.Length)
            file.Write(block.AsSpan(0, (int)Math.Min(block.Length, bytes - at)));
        file.Flush(flushToDisk: true);
    }

    private static Contestant Reading(ActivationStore store)
    {
        var rows = (int)Math.Min(ReadRows, store.Rows);
        return new(
            store.Manifest.Contents.Sites.Sum(site => (double)site.Width) * sizeof(float) * rows * 4,
            () =>
            {
                using var reader = store.NewReader();
                using var batch = new ActivationBatch(reader, rows);
                for (var i = 0; i < 4; i++)
                    reader.Read(batch);
            }
        );
    }

    /// <summary>A folder for stores that are not kept.</summary>
    private sealed class ScratchFolder(string parent) : IDisposable
    {
        private readonly string _path = Path.Combine(parent, $"harvest.{Guid.NewGuid():N}.partial");
        private int _count;

        public string New() => Path.Combine(_path, $"{++_count}");

        /// <summary>Removes all but the first.</summary>
        public void Clear()
        {
            for (var i = 2; i <= _count; i++)
                if (Directory.Exists(Path.Combine(_path, $"{i}")))
                    Directory.Delete(Path.Combine(_path, $"{i}"), recursive: true);
        }

        public void Dispose()
        {
            if (Directory.Exists(_path))
                Directory.Delete(_path, recursive: true);
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>
/// Writes the activations of a model over a text into a store (METHODS §2.2): one pass feeds all sites, positions that do not count are
/// left out, rows are shuffled in buckets. The model computes while the run before is written.
/// </summary>
/// <remarks>
/// Every row, its bucket and its place there follow from the text, the seed and the options. So an interrupted harvest, even a killed one,
/// goes on when it is started again: complete buckets stay, the one that was being written is made anew, bit for bit.
/// </remarks>
public static class Harvester
{
    /// <summary>Begins a harvest, or goes on with it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text; it has to be the same each time.</param>
    /// <param name="folder">The store's folder; made where there is none.</param>
    /// <param name="options">Sites and settings.</param>
    /// <param name="progress">Told after each run, from another thread.</param>
    /// <param name="cancellationToken">Stops; what is in complete buckets stays.</param>
    /// <returns>The store, with whatever other parts have written to it by then.</returns>
    /// <exception cref="GemmaScopeException">An option cannot be used, the folder holds another harvest, the disk or the limit is too
    /// small, or a file cannot be written.</exception>
    public static ActivationStore Run(
        GemmaModel model,
        WindowSource text,
        string folder,
        HarvestOptions options,
        IProgress<HarvestProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        var sites = new HarvestSites(model, [.. options.Sites.Order()], options.Arithmetic);
        var plan = HarvestPlan.Make(text, options, cancellationToken);
        var contents = new StoreContents
        {
            Model = options.ModelName ?? model.FileName,
            ModelHash = options.ModelHash ?? StoreChecks.Hash(model.Files.Order(StringComparer.Ordinal), cancellationToken),
            TokenizerHash = text.TokenizerFile is { } file ? StoreChecks.Hash([file], cancellationToken) : "",
            Arithmetic = sites.Arithmetic,
            Type = options.Type,
            Sites = sites.Sites,
        };
        using (var place = HarvestFolder.Enter(folder, contents, plan, options))
        {
            if (!place.Part.IsComplete)
            {
                using var writer = new PartWriter(folder, contents, place.Part, plan, options);
                Write(text, sites, plan, options, writer, place.Part.RowsWritten, progress, cancellationToken);
            }
        }
        return ActivationStore.Open(folder);
    }

    private static void Check(HarvestOptions options)
    {
        if (!Numerics.DTypes.IsWeightType(options.Type))
            throw new ArgumentProblemException($"must be f32, bf16 or f16, found {options.Type}", new Setting(nameof(options.Type)));
        if (options.BucketRows < 1)
            throw new ArgumentProblemException($"must be 1 or more, found {options.BucketRows}", new Setting(nameof(options.BucketRows)));
        if (options.Parts < 1 || options.Part < 0 || options.Part >= options.Parts)
            throw new ArgumentProblemException(
                $"part {options.Part} of {options.Parts} does not exist; parts are counted from 0",
                new Setting(nameof(options.Part))
            );
    }

    private static void Write(
        WindowSource text,
        HarvestSites sites,
        HarvestPlan plan,
        HarvestOptions options,
        PartWriter writer,
        long before,
        IProgress<HarvestProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // One run waits while one is written and one computed: memory for the captured rows of three.
        using var computed = new BlockingCollection<Computed>(boundedCapacity: 1);
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                foreach (var (run, rows, first) in computed.GetConsumingEnumerable(stop.Token))
                    using (run)
                    {
                        writer.Add(run, rows, first, stop.Token);
                        progress?.Report(new(first + rows.Length, plan.PartRows, before));
                    }
            }
            catch (Exception problem)
            {
                failure = problem;
                stop.Cancel();
            }
        })
        {
            IsBackground = true,
            Name = "GemmaScope activation writer",
        };
        thread.Start();
        try
        {
            foreach (var one in Compute(text, sites, plan, options, writer, stop.Token))
                computed.Add(one, stop.Token);
        }
        catch (OperationCanceledException) when (failure is not null and not OperationCanceledException)
        {
            // The writer's error is thrown below; it made the model stop.
        }
        finally
        {
            computed.CompleteAdding();
            thread.Join();
            while (computed.TryTake(out var left))
                left.Run.Dispose();
        }
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>The runs of this part that are not yet in complete buckets.</summary>
    private static IEnumerable<Computed> Compute(
        WindowSource text,
        HarvestSites sites,
        HarvestPlan plan,
        HarvestOptions options,
        PartWriter writer,
        CancellationToken cancellationToken
    )
    {
        long first = 0;
        foreach (var run in text.Runs(plan.Harvest.WindowsPerRun))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!HarvestPlan.IsOf(run, options))
                continue;
            if (first + run.Rows.Length > plan.PartRows)
                break;
            if (writer.Needs(first, run.Rows.Length))
                yield return new(sites.Run(run, cancellationToken), run.Rows, first);
            first += run.Rows.Length;
        }
        if (first != plan.PartRows)
            throw new GemmaScopeException(
                "the text has changed while it was harvested; leave the files alone until the harvest is complete",
                string.Join(", ", text.Paths)
            );
    }

    private sealed record Computed(ModelRun Run, RunRow[] Rows, long First);
}

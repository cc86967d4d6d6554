using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="HarvestJob"/> does.</summary>
public sealed record HarvestJobOptions
{
    private static readonly HarvestOptions Defaults = new() { Sites = [] };

    /// <summary>What <see cref="TextDocuments"/> reads.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>Sites separated by commas; the layer may be * or a range: <c>resid_post.*,z.3,mlp_out.0-5</c>.</summary>
    public required string Sites { get; init; }

    /// <summary>The folder of the store; made where there is none.</summary>
    public required string Store { get; init; }

    /// <summary>Tokens of text that are taken at most, from 2, of all parts together; the last window is cut where more would be.</summary>
    public long Tokens { get; init; } = 10_000_000;

    /// <inheritdoc cref="HarvestOptions.Type"/>
    public DType Type { get; init; } = Defaults.Type;

    /// <summary>Tokens of a window, BOS included; at most the model's own context.</summary>
    public int Context { get; init; } = 1024;

    /// <inheritdoc cref="HarvestOptions.BucketRows"/>
    public int BucketRows { get; init; } = Defaults.BucketRows;

    /// <inheritdoc cref="HarvestOptions.Seed"/>
    public long Seed { get; init; }

    /// <inheritdoc cref="HarvestOptions.Part"/>
    public int Part { get; init; }

    /// <inheritdoc cref="HarvestOptions.Parts"/>
    public int Parts { get; init; } = Defaults.Parts;

    /// <inheritdoc cref="HarvestOptions.MaxBytes"/>
    public long? MaxBytes { get; init; }
}

/// <summary>Writes activations over a text into a store, to train dictionaries on. Interrupted, the same job goes on.</summary>
public static class HarvestJob
{
    /// <summary>Begins a harvest, or goes on with it.</summary>
    /// <param name="microscope">The model; its dictionaries are not used.</param>
    /// <param name="options">Text, sites and store.</param>
    /// <param name="progress">Told how many rows there are.</param>
    /// <param name="cancellationToken">Stops; what is in complete buckets stays.</param>
    /// <returns>The store, with whatever other parts have written to it by then.</returns>
    /// <exception cref="GemmaScopeException">An option cannot be used, the folder holds another harvest, the disk or the limit is too
    /// small, or a file cannot be written.</exception>
    public static async Task<StoreSummary> RunAsync(
        Microscope microscope,
        HarvestJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Reading.Check();
        if (options.Tokens < TokenWindows.Shortest)
            throw new ArgumentProblemException($"must be at least {TokenWindows.Shortest}", new Setting(nameof(options.Tokens)));
        var model = microscope.Model;
        var context = Math.Min(options.Context, model.Config.MaxPositions);
        if (context < options.Context)
            progress.Note($"windows have {context} tokens, the model's context");
        var settings = new HarvestOptions
        {
            ModelName = microscope.ModelName,
            Sites = Site.ParseList(options.Sites, model.Config.Layers),
            Type = options.Type,
            BucketRows = options.BucketRows,
            Seed = options.Seed,
            Part = options.Part,
            Parts = options.Parts,
            MaxBytes = options.MaxBytes,
        };
        var corpus = new TextCorpus(options.Text, options.Reading);
        var text = WindowSource.FromText(model.Tokenizer, corpus, context, options.Tokens, () => model.ChatTemplate);
        progress.Stage("reading the text");
        try
        {
            var store = await Task.Run(
                    () => Harvester.Run(model, text, options.Store, settings, Rows.Of(progress), cancellationToken),
                    cancellationToken
                )
                .ConfigureAwait(false);
            progress.NoteOn(corpus.Skipped);
            return new StoreSummary(store) { SkippedRows = corpus.Skipped.Count };
        }
        catch (OperationCanceledException)
        {
            progress.Note("complete buckets are kept; the same harvest goes on from there");
            throw;
        }
    }

    private sealed class Rows(IProgress<JobReport> progress) : IProgress<HarvestProgress>
    {
        public static Rows? Of(IProgress<JobReport>? progress) => progress is null ? null : new(progress);

        public void Report(HarvestProgress value) =>
            progress.Report(new JobStage("harvesting", value.Rows, value.TotalRows, "rows", value.RowsBefore));
    }
}

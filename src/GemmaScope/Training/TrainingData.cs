using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Training;

/// <summary>Opens the data of a run.</summary>
public static class TrainingData
{
    /// <summary>A stream of all sites, from its start.</summary>
    /// <param name="data">Store or text.</param>
    /// <param name="sites">The sites that are read.</param>
    /// <param name="model">The model that reads the text, for data without a store; has to outlive the source.</param>
    /// <param name="skipped">Counts rows of a text that are left out.</param>
    /// <param name="cancellationToken">Ends the first reading of a text.</param>
    /// <exception cref="GemmaScopeException">The store or the text cannot be read, or does not have a site.</exception>
    public static IActivationSource Open(
        DataSettings data,
        IEnumerable<Site> sites,
        GemmaModel? model,
        SkippedRows? skipped = null,
        CancellationToken cancellationToken = default
    )
    {
        Site[] distinct = [.. sites.Distinct().Order()];
        if (data.Store is { } store)
            return ActivationStore.Open(store).NewReader(distinct, data.Seed);
        if (data.Synthetic is { } synthetic)
            return distinct is [var only]
                ? SyntheticSource.Open(synthetic, only, data.Seed)
                : throw new ArgumentProblemException($"has one site, and {string.Join(", ", distinct)} are asked for", "data.synthetic");
        if (model is null)
            throw new ArgumentProblemException("is needed to read a text", "data.model");
        var text = WindowSource
            .FromText(
                model.Tokenizer,
                new TextCorpus(data.Text, data.Reading, skipped),
                data.WindowFor(model),
                chat: () => model.ChatTemplate
            )
            .Where(window => !IsHeldOut(window, data.HeldOut));
        return new ModelActivationSource(
            model,
            distinct,
            text,
            new() { BufferRows = data.BufferRows, Seed = data.Seed },
            cancellationToken
        );
    }

    /// <summary>A stream that begins with rows which a run does not read, for <see cref="HeldOutSettings.EverySteps"/>: of the texts to
    /// evaluate on, else of what is held out of the text trained on, else those of a store behind the run's.</summary>
    /// <param name="configuration">The run; its source has the same sites.</param>
    /// <param name="sites">The sites that are read.</param>
    /// <param name="model">The model that reads the text, where there is one; has to outlive the source.</param>
    /// <param name="cancellationToken">Ends the reading of a text.</param>
    /// <exception cref="GemmaScopeException">There are no such rows, or they cannot be read.</exception>
    public static IActivationSource OpenHeldOut(
        TrainingConfiguration configuration,
        IEnumerable<Site> sites,
        GemmaModel? model,
        CancellationToken cancellationToken = default
    )
    {
        var (data, evaluation) = (configuration.Data, configuration.Evaluation);
        Site[] distinct = [.. sites.Distinct().Order()];
        if (evaluation.Text.Count == 0 && data.Text.Count > 0 && data.HeldOut == 0)
            throw new ArgumentProblemException("needs a share of the text above 0 to be held out, or evaluation.text", "data.held_out");
        if (model is not null && (evaluation.Text.Count > 0 || data.Text.Count > 0))
        {
            var text = WindowSource.FromText(
                model.Tokenizer,
                new TextCorpus(evaluation.Text.Count > 0 ? evaluation.Text : data.Text, data.Reading),
                data.WindowFor(model),
                chat: () => model.ChatTemplate
            );
            return new ModelActivationSource(
                model,
                distinct,
                evaluation.Text.Count > 0 ? text : text.Where(window => IsHeldOut(window, data.HeldOut)),
                new() { BufferRows = Math.Max(2, evaluation.Rows), Seed = data.Seed },
                cancellationToken
            );
        }
        var (source, place) = (
            Open(data, distinct, model, cancellationToken: cancellationToken),
            configuration.TotalSteps * configuration.Batch
        );
        if (IsUnseen(data, place, evaluation.Rows) == true)
        {
            source.Seek(place);
            return source;
        }
        source.Dispose();
        throw new ArgumentProblemException(
            $"needs {evaluation.Rows} rows that the run does not read, and it reads all of the store; give a text with evaluation.text, "
                + "or train on fewer",
            "evaluation.every_steps"
        );
    }

    /// <summary>The windows of a text that <see cref="Open"/> leaves out; of a very short one there may be none.</summary>
    /// <param name="data">The text.</param>
    /// <param name="model">The model that reads it.</param>
    public static IEnumerable<int[]> HeldOutWindows(DataSettings data, GemmaModel model) =>
        Windows(data.Text, data, model).Where((_, window) => IsHeldOut(window, data.HeldOut));

    /// <summary>The windows of texts, read as those trained on.</summary>
    /// <param name="texts">Files and folders.</param>
    /// <param name="data">How they are read.</param>
    /// <param name="model">The model that reads them.</param>
    public static IEnumerable<int[]> Windows(IReadOnlyList<string> texts, DataSettings data, GemmaModel model) =>
        new TextCorpus(texts, data.Reading).Windows(model.Tokenizer, data.WindowFor(model), () => model.ChatTemplate);

    /// <summary>Of each 1 / share windows one, never the first of them, so that a text of a single window can be trained on.</summary>
    internal static bool IsHeldOut(int window, double share)
    {
        if (share == 0)
            return false;
        var block = (int)Math.Round(1 / share);
        return window % block == 1 + Shuffle.Permutation(block - 1, window / block)[0];
    }

    /// <summary>Whether the rows of a stream from a place on were not handed out before it: known of a store, not of a text, which begins
    /// anew when it ends.</summary>
    public static bool? IsUnseen(DataSettings data, long position, long rows) =>
        data.Store is { } store ? position + rows <= ActivationStore.Open(store).Rows
        : data.Synthetic is not null ? true
        : null;
}

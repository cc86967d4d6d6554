using GemmaScope.Activations;
using GemmaScope.Models;

namespace GemmaScope.Training;

/// <summary>Opens the data of a run.</summary>
public static class TrainingData
{
    /// <summary>A stream of all sites, from its start.</summary>
    /// <param name="data">Store or text.</param>
    /// <param name="sites">The sites that are read.</param>
    /// <param name="model">The model that reads the text, for data without a store; has to outlive the source.</param>
    /// <param name="cancellation">Ends the first reading of a text.</param>
    /// <exception cref="GemmaScopeException">The store or the text cannot be read, or does not have a site.</exception>
    public static IActivationSource Open(DataSettings data, IEnumerable<Site> sites, GemmaModel? model, CancellationToken cancellation = default)
    {
        Site[] distinct = [.. sites.Distinct().Order()];
        if (data.Store is { } store) return ActivationStore.Open(store).NewReader(distinct, data.Seed);
        if (model is null) throw new ArgumentProblemException("is needed to read a text", "data.model");
        return new ModelActivationSource(
            model, distinct, WindowSource.FromText(model.Tokenizer, data.Text, data.WindowFor(model)), new() { BufferRows = data.BufferRows, Seed = data.Seed }, cancellation);
    }

    /// <summary>Whether the rows of a stream from a place on were not handed out before it: known of a store, not of a text, which begins anew when it ends.</summary>
    public static bool? IsUnseen(DataSettings data, long position, long rows) =>
        data.Store is { } store ? position + rows <= ActivationStore.Open(store).Rows : null;
}

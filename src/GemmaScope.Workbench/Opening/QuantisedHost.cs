using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What users of dictionaries must see before they trust what is found in a quantised model.</summary>
public static class QuantisedHost
{
    /// <summary>A sentence for whoever reads features of a model, or null where its weights are as they were trained.</summary>
    /// <param name="types">The types that its matrices are quantised to.</param>
    public static string? Note(IReadOnlyList<string> types) =>
        types.Count == 0
            ? null
            : $"the model is quantised ({string.Join(", ", types)}): features near their thresholds are others than in the model that the "
                + "dictionary was trained on; 'gemmascope eval' of that model against this one shows which to trust";

    internal static string? Note(GemmaModel model) => Note([.. model.QuantisedTypes.Select(type => $"{type}")]);
}

using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Store;

namespace GemmaScope.Server.Hosting;

/// <summary>The one model that a server keeps in memory, with what belongs to it. Whoever made it disposes what it holds, after the
/// server.</summary>
/// <param name="Name">The name it was asked for by.</param>
/// <param name="Model">The model.</param>
/// <param name="Dictionaries">Dictionaries of its features; may be none.</param>
/// <param name="Features">The database of feature dashboards; null for none.</param>
/// <param name="Note">What those who use the guard's page should know of the model; null for nothing.</param>
public sealed record ServerModel(
    string Name,
    GemmaModel Model,
    IReadOnlyList<SparseDictionary> Dictionaries,
    IFeatureDatabase? Features = null,
    string? Note = null
);

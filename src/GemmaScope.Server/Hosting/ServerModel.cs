using GemmaScope.Dictionaries;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Hosting;

/// <summary>The one model that a server keeps in memory, with what belongs to it. Whoever made it disposes what it holds, after the
/// server.</summary>
/// <param name="Microscope">The model, and dictionaries of its features; may be none.</param>
/// <param name="Features">The database of feature dashboards; null for none.</param>
public sealed record ServerModel(Microscope Microscope, IFeatureDatabase? Features = null)
{
    /// <summary>What those who use the guard's page should know of the model; null for nothing.</summary>
    public string? Note { get; init; } = ShieldJob.NoteOn(Microscope.ModelName);

    /// <summary>Lenses of the model beside the logit lens, which needs none.</summary>
    public IReadOnlyList<Lens> Lenses { get; init; } = [];

    internal string Name => Microscope.ModelName;

    internal GemmaModel Model => Microscope.Model;

    internal IReadOnlyList<SparseDictionary> Dictionaries => Microscope.Dictionaries;

    /// <summary>Finds out whether the files that are mapped are still whole.</summary>
    /// <exception cref="FileFormatException">One was cut short.</exception>
    internal void RequireWhole()
    {
        Model.RequireWhole();
        foreach (var dictionary in Dictionaries)
            dictionary.RequireWhole();
    }
}

using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>How many dictionaries a job works with.</summary>
public enum DictionaryUse
{
    /// <summary>Exactly one: of a folder of many the only one that fits layer and site.</summary>
    One,

    /// <summary>One or more: of a folder of many all.</summary>
    Many,

    /// <summary>As many as are named, none if none is.</summary>
    Named,

    /// <summary>None.</summary>
    None,
}

/// <summary>What <see cref="Microscope.OpenAsync"/> opens.</summary>
public sealed record MicroscopeOptions
{
    /// <summary>The model that comes with the packages.</summary>
    public const string DemoModel = "demo-pt";

    /// <summary>The demo model that was tuned to chat.</summary>
    public const string DemoChat = "demo-it";

    /// <summary>The dictionary of the demo model.</summary>
    public const string DemoDictionary = "demo-sae";

    /// <summary>Dictionaries of the demo model of our own training: an SAE and a skip-transcoder.</summary>
    public const string DemoScope = "demo-scope";

    /// <summary>A model: a folder, a demo model, or org/name[@revision] on the hub.</summary>
    public string Model { get; init; } = DemoModel;

    /// <summary>Dictionaries: files, folders, names in the catalogue, or org/name/path on the hub. If none is named, the demo models have
    /// one of their own; of another model one must be.</summary>
    public IReadOnlyList<string> Dictionaries { get; init; } = [];

    /// <summary>How many dictionaries are wanted.</summary>
    public DictionaryUse Use { get; init; } = DictionaryUse.One;

    /// <summary>The layer the dictionary reads, where its path does not say it, several are there, or it is read elsewhere than it was
    /// trained. Where many are wanted: of a folder those of this layer.</summary>
    public int? Layer { get; init; }

    /// <summary>The site it reads, in any of the three dialects, with or without the layer. Where many are wanted: of a folder those of this
    /// site.</summary>
    public string? Site { get; init; }

    /// <summary>The site of a vector that no dictionary has: <see cref="Site"/>, else the residual stream after
    /// <see cref="Layer"/>.</summary>
    /// <exception cref="ArgumentProblemException">Neither says it.</exception>
    public Site VectorSite() => DictionaryFit.VectorSite(Layer, Site);

    /// <summary>Whether it is found out, on a short text, if the dictionaries read what they were trained on: see
    /// <see cref="Microscope.Checks"/>.</summary>
    public bool Check { get; init; } = true;

    /// <summary>How the model is loaded; null for the defaults.</summary>
    public ModelLoadOptions? Load { get; init; }
}

using GemmaScope.Features.Exchange;

namespace GemmaScope.Store;

/// <summary>A dictionary in a database.</summary>
/// <param name="Id">Its number there.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Name">Its name in addresses, e.g. <c>20-gemmascope-res-16k</c>.</param>
/// <param name="Width">Features it has.</param>
/// <param name="Features">Features that are stored, from the first on.</param>
/// <param name="IsComplete">Whether nothing is missing any more.</param>
/// <param name="Description">What its statistics were made of; the same text means that a build can go on.</param>
public sealed record StoredDictionary(long Id, string Model, string Name, int Width, int Features, bool IsComplete, string Description);

/// <summary>What a feature page shows: one indexed read.</summary>
/// <param name="Feature">Numbers, excerpts of the examples, and labels.</param>
/// <param name="Note">The user's note, or empty.</param>
public sealed record FeaturePage(LabelledDashboard Feature, string Note)
{
    /// <summary>Tokens of an excerpt before the marked one, at most.</summary>
    public const int Before = 16;

    /// <summary>Tokens of an excerpt behind the marked one, at most.</summary>
    public const int After = 8;
}

/// <summary>A line of a dictionary's table.</summary>
/// <param name="Feature">Index.</param>
/// <param name="Count">Counted positions where it fires.</param>
/// <param name="Density">Share of the counted positions.</param>
/// <param name="Max">Largest activation.</param>
/// <param name="Label">Its first label, or null.</param>
/// <param name="Score">The score of that label, or null.</param>
public sealed record FeatureRow(int Feature, long Count, double Density, double Max, string? Label, double? Score);

/// <summary>Which lines of a table are wanted.</summary>
public sealed record FeatureFilter
{
    /// <summary>Density from here.</summary>
    public double LowestDensity { get; init; }

    /// <summary>Density to here.</summary>
    public double HighestDensity { get; init; } = 1;

    /// <summary>Letters the label holds, in any case; null for all.</summary>
    public string? LabelContains { get; init; }

    /// <summary>Lines that are passed over.</summary>
    public int Skip { get; init; }

    /// <summary>Lines at most.</summary>
    public int Take { get; init; } = int.MaxValue;
}

/// <summary>A feature that was found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionary">The dictionary's name.</param>
/// <param name="Row">The feature.</param>
public sealed record SearchHit(string Model, string Dictionary, FeatureRow Row);

/// <summary>A collection of features that a user made.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Note">What it is about.</param>
/// <param name="Entries">Its features, in the order in which they were added.</param>
public sealed record FeatureList(long Id, string Name, string Note, IReadOnlyList<FeatureListEntry> Entries);

/// <summary>A feature of a list.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionary">The dictionary's name.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Note">Why it is there.</param>
public sealed record FeatureListEntry(string Model, string Dictionary, int Feature, string Note);

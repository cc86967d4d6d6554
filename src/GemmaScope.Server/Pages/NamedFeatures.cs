using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What is known of some features of one dictionary, to name them by.</summary>
internal sealed class NamedFeatures
{
    private readonly StoredDictionary? _dictionary;
    private readonly Dictionary<int, FeatureRow> _rows;
    private readonly IReadOnlyDictionary<int, FeatureGlance> _glances;

    /// <param name="library">The database, or null.</param>
    /// <param name="dictionary">The dictionary; null where the database does not have it.</param>
    /// <param name="features">The features that are named.</param>
    /// <param name="shown">One that is shown with its examples, whether it has a label or not.</param>
    public NamedFeatures(FeatureLibrary? library, StoredDictionary? dictionary, IEnumerable<int> features, int? shown = null)
    {
        _dictionary = dictionary;
        _rows = library?.Database.ByFeature(dictionary, shown is { } one ? features.Append(one) : features) ?? [];
        // A row is found at once and a page has to be read: only what has no label is looked up in its page.
        _glances =
            library is null || dictionary is null
                ? new Dictionary<int, FeatureGlance>()
                : library.ReadableGlances(
                    dictionary,
                    _rows.Values.Where(row => row.Label is null || row.Feature == shown).Select(row => row.Feature)
                );
    }

    /// <summary>Its line in the table, or null.</summary>
    public FeatureRow? Row(int feature) => _rows.GetValueOrDefault(feature);

    /// <summary>What can be said of it, where it was read.</summary>
    public FeatureGlance? Glance(int feature) => _glances.GetValueOrDefault(feature);

    /// <summary>Whether the database has it.</summary>
    public bool IsKnown(int feature) => _rows.ContainsKey(feature);

    /// <summary>The attribute that brings up its card where its link is pointed at; nothing where the database does not have it.</summary>
    public Markup Card(int feature) =>
        _dictionary is not null && IsKnown(feature)
            ? Markup.Of($" data-card=\"{FeatureCard.Address(_dictionary, feature)}\"")
            : Markup.Empty;

    /// <summary>Its name, without its index.</summary>
    public Markup Name(int feature, int words = FeatureName.Words) =>
        IsKnown(feature) ? FeatureName.Of(Row(feature)?.Label, Glance(feature), words) : Markup.Empty;

    /// <summary>The same for what takes no markup.</summary>
    public string Plain(int feature) => FeatureName.Plain(Row(feature)?.Label, Glance(feature));
}

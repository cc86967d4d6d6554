using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>The dashboard of a feature, with the words of its tokens.</summary>
public sealed class FeatureResult
{
    private readonly StoredDictionary _dictionary;

    private FeatureResult(StoredDictionary dictionary, FeaturePage page, DashboardSource source) =>
        (_dictionary, Page, Source) = (dictionary, page, source);

    /// <summary>The model's name.</summary>
    public string Model => _dictionary.Model;

    /// <summary>The dictionary's name.</summary>
    public string Dictionary => _dictionary.Name;

    /// <summary>The layer it reads.</summary>
    public int Layer => Source.Layer;

    /// <summary>The hook it reads by its TransformerLens name, or null.</summary>
    public string? Hook => Source.Hook;

    /// <summary>The text of the statistics.</summary>
    public string Text => Source.Text;

    /// <summary>Tokens of it that count.</summary>
    public long CountedTokens => Source.Corpus.Counted;

    /// <summary>Tokens of it, special ones included.</summary>
    public long Tokens => Source.Corpus.Positions;

    /// <summary>The user's note, or empty.</summary>
    public string Note => Page.Note;

    /// <summary>Dashboard and labels in the form of our JSON lines.</summary>
    public JsonNode Feature => DashboardLines.ToJson(Page.Feature);

    /// <summary>The words of the tokens that the dashboard names, by id.</summary>
    public IReadOnlyDictionary<string, string> Pieces => TokensOf(Page.Feature.Dashboard).ToDictionary(token => $"{token}", Source.Piece);

    /// <summary>Dashboard, labels and note.</summary>
    [JsonIgnore]
    public FeaturePage Page { get; }

    /// <summary>What the dashboards of the dictionary share.</summary>
    [JsonIgnore]
    public DashboardSource Source { get; }

    /// <summary>Reads a feature.</summary>
    /// <param name="database">Where it is.</param>
    /// <param name="dictionary">A dictionary of the database: its name, or model/name.</param>
    /// <param name="feature">The feature's index.</param>
    /// <exception cref="ArgumentProblemException">There is no such dictionary or feature.</exception>
    public static FeatureResult Read(IFeatureDatabase database, string dictionary, int feature)
    {
        var stored = database.Find(dictionary);
        return new(stored, database.RequirePage(stored, feature), database.Source(stored));
    }

    internal static FeatureResult Of(StoredDictionary dictionary, FeaturePage page, DashboardSource source) =>
        new(dictionary, page, source);

    private static IEnumerable<int> TokensOf(FeatureDashboard one) =>
        one
            .Examples.SelectMany(example => example.Tokens)
            .Concat(
                (one.Logits?.Top ?? [])
                    .Concat(one.Logits?.Bottom ?? [])
                    .Concat(one.GainedLogits?.Top ?? [])
                    .Concat(one.GainedLogits?.Bottom ?? [])
                    .Select(score => score.Token)
            )
            .Append(one.MaxToken)
            .Where(token => token >= 0)
            .Distinct()
            .Order();
}

/// <summary>Features that were found by words.</summary>
/// <param name="Features">The features, the best first.</param>
public sealed record SearchFeaturesResult(IReadOnlyList<FoundFeature> Features)
{
    /// <summary>Finds features whose labels, promoted words or strongest tokens hold words that begin with each of those asked.</summary>
    /// <param name="database">Where they are.</param>
    /// <param name="words">Words, or how they begin.</param>
    /// <param name="limit">Features at most.</param>
    public static SearchFeaturesResult Search(IFeatureDatabase database, string words, int limit = 20) =>
        new([
            .. database
                .Search(words, limit)
                .Select(hit => new FoundFeature(hit.Model, hit.Dictionary, hit.Row.Feature, hit.Row.Label, hit.Row.Density, hit.Row.Max)),
        ]);
}

/// <summary>A feature that was found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionary">The dictionary's name.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Label">Its first label, or null.</param>
/// <param name="Density">Share of the counted positions where it fires.</param>
/// <param name="Max">Largest activation.</param>
public sealed record FoundFeature(string Model, string Dictionary, int Feature, string? Label, double Density, double Max);

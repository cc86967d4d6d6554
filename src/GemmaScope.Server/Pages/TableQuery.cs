using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Store;
using Microsoft.AspNetCore.Mvc;

namespace GemmaScope.Server.Pages;

/// <summary>Which lines of a dictionary's table are wanted, and in which order; all of it stands in the address.</summary>
/// <param name="Label">Letters of the label.</param>
/// <param name="Show">all, alive, dead, dense, not dense or labelled.</param>
/// <param name="MinDensity">Percent of the tokens at least.</param>
/// <param name="MaxDensity">Percent of the tokens at most.</param>
/// <param name="Sort">index, telling, density, max or score; the largest first but for the index.</param>
/// <param name="Order">asc or desc, where it is to be another one.</param>
/// <param name="Start">Lines passed over.</param>
internal sealed record TableQuery(
    string? Label,
    string? Show,
    [property: FromQuery(Name = "min_density")] string? MinDensity,
    [property: FromQuery(Name = "max_density")] string? MaxDensity,
    string? Sort,
    string? Order,
    int? Start
)
{
    /// <summary>Lines of a page.</summary>
    public const int Size = 100;

    /// <summary>The orders.</summary>
    public const string Index = "index",
        Telling = "telling",
        Density = "density",
        Max = "max",
        Score = "score";

    private const string Ascending = "asc",
        Descending = "desc";

    /// <summary>Tokens on which a feature has to fire before half of what it seems to tell is believed.</summary>
    private const double Evidence = 50;

    /// <summary>What of the dictionary can be shown.</summary>
    public static string[] Shows { get; } = ["all", "alive", "dead", "dense", "not dense", "labelled"];

    /// <summary>Whether the smallest stands first.</summary>
    public bool IsAscending => Order == Ascending || Order != Descending && Sort is null or Index;

    /// <summary>All lines that fit, in order.</summary>
    /// <exception cref="ArgumentProblemException">A density is no number.</exception>
    public FeatureRow[] Of(IFeatureDatabase database, StoredDictionary dictionary)
    {
        var filter = new FeatureFilter
        {
            LabelContains = Label,
            LowestDensity = Percent(MinDensity, "min_density") ?? 0,
            HighestDensity = Percent(MaxDensity, "max_density") ?? 1,
        };
        var rows = database
            .Table(dictionary, filter)
            .Where(row =>
                Show switch
                {
                    "alive" => row.Count > 0,
                    "dead" => row.Count == 0,
                    "dense" => row.Density > FeatureMeaning.DenseFrom,
                    "not dense" => row.Density <= FeatureMeaning.DenseFrom,
                    "labelled" => row.Label is not null,
                    _ => true,
                }
            );
        Func<FeatureRow, double> key = Sort switch
        {
            Telling => HowTelling,
            Density => row => row.Density,
            Max => row => row.Max,
            Score => row => row.Score ?? double.NegativeInfinity,
            _ => row => row.Feature,
        };
        return [.. IsAscending ? rows.OrderBy(key) : rows.OrderByDescending(key)];
    }

    /// <summary>The same in another order; in the one there is, the other way round.</summary>
    public TableQuery By(string sort) =>
        this with
        {
            Sort = sort,
            Order =
                sort != Sort ? null
                : IsAscending ? Descending
                : Ascending,
            Start = null,
        };

    /// <summary>Its address below a path.</summary>
    public string Address(string path) =>
        PageAddress.WithQuery(
            path,
            ("label", Given(Label)),
            ("show", Given(Show)),
            ("min_density", Given(MinDensity)),
            ("max_density", Given(MaxDensity)),
            ("sort", Given(Sort)),
            ("order", Given(Order)),
            ("start", Start is > 0 and var start ? start.ToString(CultureInfo.InvariantCulture) : null)
        );

    /// <summary>
    /// How much a reader learns of a feature when it fires at its strongest (<see cref="FeatureMeaning.Telling"/>): the rarer, and the better its
    /// label, the more; little of one that has hardly fired. The dense come behind all others, and the dead last.
    /// </summary>
    public static double HowTelling(FeatureRow row)
    {
        var meaning = new FeatureMeaning(row.Label, row.Score, row.Density, row.Max);
        return row.Count == 0 ? double.NegativeInfinity
            : meaning.IsDense ? -row.Density
            : meaning.Telling(row.Max, row.Max) * (row.Count / (row.Count + Evidence));
    }

    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static double? Percent(string? text, string name) =>
        string.IsNullOrWhiteSpace(text) ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var percent) && double.IsFinite(percent)
            ? percent / 100
        : throw new ArgumentProblemException($"'{text}' is no number; give percent of the tokens, such as 0.5", name);
}

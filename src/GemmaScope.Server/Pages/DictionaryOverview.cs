using GemmaScope.Features;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What the pages say of a dictionary as a whole; found by one reading of its table.</summary>
internal sealed class DictionaryOverview
{
    private const int MostPoints = 2000,
        BinsPerDecade = 4;

    /// <summary>Puts it together from the whole table.</summary>
    public DictionaryOverview(StoredDictionary dictionary, IReadOnlyList<FeatureRow> rows)
    {
        (Features, Dead, Dense, MeanL0) = (
            rows.Count,
            rows.Count(row => row.Count == 0),
            rows.Count(row => row.Density > FeatureMeaning.DenseFrom),
            rows.Sum(row => row.Density)
        );
        var alive = rows.Where(row => row.Density > 0).ToArray();
        if (alive.Length == 0)
            return;
        double[] densities = [.. alive.Select(row => Math.Log10(row.Density))];
        var low = Math.Floor(densities.Min());
        var bins = new int[(int)(-low * BinsPerDecade) is > 0 and var needed ? needed : BinsPerDecade];
        var from = -(double)bins.Length / BinsPerDecade;
        foreach (var density in densities)
            bins[Math.Clamp((int)((density - from) * BinsPerDecade), 0, bins.Length - 1)]++;
        Densities = PlotFigure.Bars(
            new("Density of the features that fire", "share of tokens (logarithmic)", "features", xScale: PlotScale.Share),
            from,
            0,
            bins,
            "features",
            PageAddress.Dictionary(dictionary) + ".json"
        );
        var step = (alive.Length + MostPoints - 1) / MostPoints;
        Every = step;
        Scatter = PlotFigure.Points(
            new("Density and maximum", "share of tokens (logarithmic)", "maximum", xScale: PlotScale.Share) { Radius = 2.5 },
            [
                .. alive
                    .Where((_, i) => i % step == 0)
                    .Select(row => new PlotPoint(Math.Log10(row.Density), row.Max, $"#{row.Feature} {FeatureName.Plain(row.Label, null)}")
                    {
                        Address = PageAddress.Feature(dictionary, row.Feature),
                        Score = row.Score,
                    }),
            ]
        );
    }

    /// <summary>Features that are stored.</summary>
    public int Features { get; }

    /// <summary>Features that fire nowhere.</summary>
    public int Dead { get; }

    /// <summary>Features that fire on more than a tenth of the tokens.</summary>
    public int Dense { get; }

    /// <summary>Mean number of features that fire on a counted token: the sum of all densities.</summary>
    public double MeanL0 { get; }

    /// <summary>Histogram of densities.</summary>
    public Markup Densities { get; }

    /// <summary>Density against maximum, each point a link.</summary>
    public Markup Scatter { get; }

    /// <summary>Of how many features one is drawn as a point.</summary>
    public int Every { get; } = 1;
}

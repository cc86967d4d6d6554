using System.Text.Json.Serialization;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a dictionary finds in a model and in another form of it, on the same tokens.</summary>
public sealed class ComparedDictionary
{
    /// <summary>Features that fire more rarely say little: they are left out of means and correlations over features.</summary>
    internal const int LeastFirings = 10;

    internal ComparedDictionary(string name, SparseDictionary dictionary, DictionaryComparison sums)
    {
        var survival = sums.Survival;
        (Name, Family, Width) = (name, dictionary.Family, dictionary.Width);
        InputSites = [.. dictionary.InputSites.Select(site => $"{site}")];
        (L0, L0Against) = ((double)survival.First / survival.Rows, (double)survival.Second / survival.Rows);
        (Fvu, FvuAgainst) = (sums.First.Fvu, sums.Second.Fvu);
        (Features, Noise) = (new(survival), new(sums.Noise));
        Trust = TrustTable.Of(survival);
        EachFeature =
        [
            .. Enumerable
                .Range(0, Width)
                .Where(feature => survival.FirstCount(feature) + survival.SecondCount(feature) > 0)
                .Select(feature => new ComparedFeature(feature, survival)),
        ];
        var known = EachFeature.Where(one => one.Firings >= LeastFirings).ToArray();
        double[] survivals = [.. known.Select(one => one.Survival)];
        SurvivalByMargin = Correlation.Spearman([.. known.Select(one => one.Margin)], survivals);
        SurvivalByDensity = Correlation.Spearman([.. known.Select(one => (double)one.Firings)], survivals);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whose files it is made of.</summary>
    public string Family { get; }

    /// <summary>Features it has.</summary>
    public int Width { get; }

    /// <summary>The sites it reads.</summary>
    public IReadOnlyList<string> InputSites { get; }

    /// <summary>Mean number of active features of a token in the model.</summary>
    public double L0 { get; }

    /// <summary>The same in the other.</summary>
    public double L0Against { get; }

    /// <summary>Fraction of variance unexplained in the model.</summary>
    public double Fvu { get; }

    /// <summary>The same in the other.</summary>
    public double FvuAgainst { get; }

    /// <summary>Which features stay active in the other.</summary>
    public FeatureSurvival Features { get; }

    /// <summary>The control: activations moved as far as the other moves them, in random directions.</summary>
    public FeatureSurvival Noise { get; }

    /// <summary>Spearman's correlation, over features that fire at least ten times, of the share of firings that survive with the mean
    /// margin; null where it is not defined.</summary>
    public double? SurvivalByMargin { get; }

    /// <summary>The same with the density.</summary>
    public double? SurvivalByDensity { get; }

    /// <summary>How many firings survive by the feature's density and the firing's margin.</summary>
    public IReadOnlyList<TrustRow> Trust { get; }

    /// <summary>Each feature that fires in either.</summary>
    public IReadOnlyList<ComparedFeature> EachFeature { get; }

    /// <summary>Features that fire in the model alone, those that fire most first.</summary>
    [JsonIgnore]
    public IEnumerable<ComparedFeature> Died =>
        EachFeature.Where(one => one.FiringsAgainst == 0).OrderByDescending(one => one.Firings).ThenBy(one => one.Feature);
}

/// <summary>Which features of a first run are active in another one too.</summary>
public sealed class FeatureSurvival
{
    internal FeatureSurvival(SurvivalSums sums)
    {
        (Survival, Jaccard, FlipsOff, FlipsOn) = (sums.Survival, sums.Jaccard, sums.FlipsOff, sums.FlipsOn);
        (Top, TopKept) = (sums.Top, sums.TopKept);
        var features = Enumerable.Range(0, sums.Width).ToArray();
        Died = features.Count(feature => sums.FirstCount(feature) > 0 && sums.SecondCount(feature) == 0);
        Appeared = features.Count(feature => sums.FirstCount(feature) == 0 && sums.SecondCount(feature) > 0);
        double[] correlations =
        [
            .. features
                .Where(feature => sums.FirstCount(feature) >= ComparedDictionary.LeastFirings)
                .Select(sums.Pearson)
                .Where(double.IsFinite)
                .Order(),
        ];
        Correlated = correlations.Length;
        (Pearson, PearsonLow) =
            correlations.Length == 0 ? (double.NaN, double.NaN) : (correlations.Average(), correlations[Correlated / 10]);
    }

    /// <summary>Share of firings (a feature at a token) that the other run has too.</summary>
    public double Survival { get; }

    /// <summary>Firings of both over firings of either.</summary>
    public double Jaccard { get; }

    /// <summary>Firings of the first run alone, a token.</summary>
    public double FlipsOff { get; }

    /// <summary>Firings of the other run alone, a token.</summary>
    public double FlipsOn { get; }

    /// <summary>How many of a token's strongest features are compared.</summary>
    public int Top { get; }

    /// <summary>Share of these that are among the strongest of the other run too.</summary>
    public double TopKept { get; }

    /// <summary>Features that fire in the first run alone.</summary>
    public int Died { get; }

    /// <summary>Features that fire in the other run alone.</summary>
    public int Appeared { get; }

    /// <summary>Features that fire at least ten times and vary in both.</summary>
    public int Correlated { get; }

    /// <summary>The mean over these of Pearson's correlation of a feature's activations over all tokens.</summary>
    public double Pearson { get; }

    /// <summary>The correlation that a tenth of them does not reach.</summary>
    public double PearsonLow { get; }
}

/// <summary>A feature in a model and another form of it.</summary>
public sealed class ComparedFeature
{
    internal ComparedFeature(int feature, SurvivalSums sums)
    {
        (Feature, Firings, FiringsAgainst) = (feature, sums.FirstCount(feature), sums.SecondCount(feature));
        (Survival, Pearson, Margin) = (sums.SurvivalOf(feature), sums.Pearson(feature), sums.MeanMargin(feature));
    }

    /// <summary>Index in the dictionary.</summary>
    public int Feature { get; }

    /// <summary>Tokens at which it fires in the model.</summary>
    public int Firings { get; }

    /// <summary>Tokens at which it fires in the other.</summary>
    public int FiringsAgainst { get; }

    /// <summary>Share of its firings that the other has too.</summary>
    public double Survival { get; }

    /// <summary>Pearson's correlation of its activations over all tokens.</summary>
    public double Pearson { get; }

    /// <summary>Mean margin of its firings: how far the activation would have to move straight against it, as a share of the activation's
    /// norm.</summary>
    public double Margin { get; }
}

/// <summary>Firings of features of some density and with margins of one class.</summary>
/// <param name="MarginFrom">Least margin: how far the activation would have to move straight against the feature, as a share of the
/// activation's norm.</param>
/// <param name="Firings">Firings in the model.</param>
/// <param name="Survival">Share of them that the other has too; null without any.</param>
public sealed record TrustCell(double MarginFrom, long Firings, double? Survival);

/// <summary>Features of some density.</summary>
/// <param name="DensityFrom">Least share of tokens at which they fire.</param>
/// <param name="Cells">By margin, rising.</param>
public sealed record TrustRow(double DensityFrom, IReadOnlyList<TrustCell> Cells);

/// <summary>Makes rows by density.</summary>
internal static class TrustTable
{
    private static readonly double[] Densities = [0, 0.0001, 0.001, 0.01, 0.1];

    /// <summary>Least margins of the columns.</summary>
    public static IReadOnlyList<double> Margins { get; } = [0, .. SurvivalSums.MarginEdges];

    /// <summary>A row for each class of density.</summary>
    public static TrustRow[] Of(SurvivalSums sums) =>
        [
            .. Densities
                .Zip(Densities.Skip(1).Append(double.PositiveInfinity))
                .Select(density => new TrustRow(
                    density.First,
                    [.. Margins.Select((margin, at) => Cell(margin, sums.Cell(density.First, density.Second, at)))]
                )),
        ];

    private static TrustCell Cell(double margin, (long Fired, long Kept) counts) =>
        new(margin, counts.Fired, counts.Fired == 0 ? null : (double)counts.Kept / counts.Fired);
}

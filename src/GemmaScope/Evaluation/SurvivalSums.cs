using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>
/// Which features still fire on the same tokens when another run takes the place of a first one. A firing is a feature above 0 at a
/// token; it survives if the feature is above 0 there in the other run too. Counts and sums of f64, so that rows may come in any portions.
/// </summary>
/// <param name="width">Features of the dictionary.</param>
/// <param name="top">How many of a token's strongest features are compared.</param>
public sealed class SurvivalSums(int width, int top)
{
    private static readonly double[] Edges = [0.001, 0.003, 0.01, 0.03, 0.1];

    private readonly int[] _first = new int[width],
        _second = new int[width],
        _both = new int[width];
    private readonly double[] _margin = new double[width],
        _sumFirst = new double[width],
        _sumSecond = new double[width],
        _squaresFirst = new double[width],
        _squaresSecond = new double[width],
        _products = new double[width];
    private readonly int[][] _fired = [.. Edges.Append(0).Select(_ => new int[width])],
        _kept = [.. Edges.Append(0).Select(_ => new int[width])];
    private long _topKept,
        _topWanted;

    /// <summary>Edges of the classes of margins, each a share of the row's norm (<see cref="FeatureMargins"/>): the first class lies below
    /// the first edge, the last from the last edge on.</summary>
    public static IReadOnlyList<double> MarginEdges => Edges;

    /// <summary>Features of the dictionary.</summary>
    public int Width => width;

    /// <summary>How many of a token's strongest features are compared.</summary>
    public int Top => top;

    /// <summary>Rows that counted.</summary>
    public long Rows { get; private set; }

    /// <summary>Firings of the first run.</summary>
    public long First { get; private set; }

    /// <summary>Firings of the other run.</summary>
    public long Second { get; private set; }

    /// <summary>Firings of both.</summary>
    public long Both { get; private set; }

    /// <summary>Share of the first run's firings that the other has too.</summary>
    public double Survival => (double)Both / First;

    /// <summary>Firings of both over firings of either.</summary>
    public double Jaccard => (double)Both / (First + Second - Both);

    /// <summary>Firings of the first run alone, a token.</summary>
    public double FlipsOff => (double)(First - Both) / Rows;

    /// <summary>Firings of the other run alone, a token.</summary>
    public double FlipsOn => (double)(Second - Both) / Rows;

    /// <summary>Share of the strongest features of the first run's tokens that are among the strongest of the other's; of tokens with
    /// fewer, of those.</summary>
    public double TopKept => (double)_topKept / _topWanted;

    /// <summary>In how many rows a feature fires in the first run.</summary>
    public int FirstCount(int feature) => _first[feature];

    /// <summary>In how many rows a feature fires in the other run.</summary>
    public int SecondCount(int feature) => _second[feature];

    /// <summary>In how many rows a feature fires in both.</summary>
    public int BothCount(int feature) => _both[feature];

    /// <summary>Share of rows in which a feature fires in the first run.</summary>
    public double Density(int feature) => (double)_first[feature] / Rows;

    /// <summary>Share of a feature's firings that survive; NaN if it never fires.</summary>
    public double SurvivalOf(int feature) => (double)_both[feature] / _first[feature];

    /// <summary>Mean margin of a feature's firings in the first run; NaN if it never fires.</summary>
    public double MeanMargin(int feature) => _margin[feature] / _first[feature];

    /// <summary>Pearson's correlation of a feature's activations in both runs over all rows, silent ones included; NaN where it is
    /// constant in one.</summary>
    public double Pearson(int feature)
    {
        var (a, b) = (_sumFirst[feature], _sumSecond[feature]);
        var (spreadA, spreadB) = (Rows * _squaresFirst[feature] - a * a, Rows * _squaresSecond[feature] - b * b);
        // What is left of a constant is rounding.
        return Varies(spreadA, _squaresFirst[feature]) && Varies(spreadB, _squaresSecond[feature])
            ? (Rows * _products[feature] - a * b) / Math.Sqrt(spreadA * spreadB)
            : double.NaN;

        bool Varies(double spread, double squares) => spread > 1e-12 * Rows * squares;
    }

    /// <summary>Firings of the first run and those that survive, of features within a range of density and of one class of
    /// margins.</summary>
    /// <param name="fromDensity">Least density.</param>
    /// <param name="belowDensity">The density that is too high.</param>
    /// <param name="marginClass">Which class, from 0 to the number of <see cref="MarginEdges"/>.</param>
    public (long Fired, long Kept) Cell(double fromDensity, double belowDensity, int marginClass)
    {
        long fired = 0,
            kept = 0;
        for (var feature = 0; feature < width; feature++)
            if (_fired[marginClass][feature] > 0 && Density(feature) >= fromDensity && Density(feature) < belowDensity)
                (fired, kept) = (fired + _fired[marginClass][feature], kept + _kept[marginClass][feature]);
        return (fired, kept);
    }

    /// <summary>Adds rows.</summary>
    /// <param name="first">Features of the first run.</param>
    /// <param name="second">Those of the other run at the same tokens.</param>
    /// <param name="margins">The margins of a row's entries in the first run, in their order; null for none.</param>
    /// <param name="counted">Which rows count; empty: all.</param>
    /// <exception cref="ArgumentProblemException">They differ in rows, or in width from this.</exception>
    public void Add(
        SparseActivations first,
        SparseActivations second,
        Func<int, double[]>? margins = null,
        ReadOnlySpan<bool> counted = default
    )
    {
        if (first.Width != width || second.Width != width || first.Rows != second.Rows)
            throw new ArgumentProblemException(
                $"[{second.Rows}, {second.Width}] against [{first.Rows}, {first.Width}] where {width} columns are needed",
                "second"
            );
        for (var row = 0; row < first.Rows; row++)
            if (counted.IsEmpty || counted[row])
                Add(first, second, row, margins?.Invoke(row));
    }

    private void Add(SparseActivations first, SparseActivations second, int row, double[]? margins)
    {
        Rows++;
        var indices = first.Indices(row);
        var values = first.Values(row);
        for (var i = 0; i < indices.Length; i++)
        {
            if (!(values[i] > 0))
                continue;
            var (feature, value, other) = (indices[i], (double)values[i], (double)second.Value(row, indices[i]));
            _first[feature]++;
            First++;
            _sumFirst[feature] += value;
            _squaresFirst[feature] += value * value;
            if (other > 0)
            {
                _both[feature]++;
                Both++;
                _products[feature] += value * other;
            }
            if (margins is null)
                continue;
            _margin[feature] += margins[i];
            var at = MarginClass(margins[i]);
            _fired[at][feature]++;
            _kept[at][feature] += other > 0 ? 1 : 0;
        }
        indices = second.Indices(row);
        values = second.Values(row);
        for (var i = 0; i < indices.Length; i++)
        {
            if (!(values[i] > 0))
                continue;
            _second[indices[i]]++;
            Second++;
            _sumSecond[indices[i]] += values[i];
            _squaresSecond[indices[i]] += (double)values[i] * values[i];
        }
        var strongest = first.Top(row, top);
        var kept = second.Top(row, top).Select(one => one.Feature).ToHashSet();
        _topWanted += strongest.Length;
        _topKept += strongest.Count(one => kept.Contains(one.Feature));
    }

    private static int MarginClass(double margin)
    {
        var at = 0;
        while (at < Edges.Length && margin >= Edges[at])
            at++;
        return at;
    }
}

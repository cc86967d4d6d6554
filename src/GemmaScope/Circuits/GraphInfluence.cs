namespace GemmaScope.Circuits;

/// <summary>
/// How much each node matters to the targets (METHODS §4.5 steps 8, 10): with N the absolute contributions divided by the sum of their row
/// and w the weights of the targets, influence = wN + wN² + … Rows are read once, each after all that it feeds, which sums the whole series.
/// </summary>
internal sealed class GraphInfluence
{
    /// <summary>The least divisor of a row's contributions.</summary>
    public const double Floor = 1e-10;

    private GraphInfluence(double[] influence, double replacement, double completeness) =>
        (Influence, Replacement, Completeness) = (influence, replacement, completeness);

    /// <summary>[nodes].</summary>
    public double[] Influence { get; }

    /// <summary>I_tokens / (I_tokens + I_errors).</summary>
    public double Replacement { get; }

    /// <summary>Σ (1 − share of errors among the node's sources) (I + w) / Σ (I + w).</summary>
    public double Completeness { get; }

    /// <param name="rows">The graph.</param>
    /// <param name="weights">w of each target.</param>
    /// <param name="kept">The nodes that count; null for all.</param>
    /// <param name="floor">The least divisor of a row.</param>
    public static GraphInfluence Of(GraphRows rows, IReadOnlyList<double> weights, bool[]? kept = null, double floor = Floor)
    {
        var (influence, row) = (new double[rows.Nodes], new float[rows.Sources]);
        double errorMass = 0,
            mass = 0;
        foreach (var node in rows.Downwards())
        {
            var own = Mass(rows, influence, weights, node);
            if (own == 0 || kept?[node] == false)
                continue;
            rows.Read(node, row);
            var share = own / Math.Max(Sum(row, kept), floor);
            double errors = 0;
            for (var source = 0; source < row.Length; source++)
            {
                if (row[source] == 0 || kept?[source] == false)
                    continue;
                var part = Math.Abs((double)row[source]) * share;
                influence[source] += part;
                if (source >= rows.Features && source < rows.Features + rows.Errors)
                    errors += part;
            }
            errorMass += errors;
        }
        double tokens = 0,
            allErrors = 0;
        for (var node = 0; node < rows.Nodes; node++)
        {
            mass += Mass(rows, influence, weights, node);
            if (node >= rows.Features && node < rows.Features + rows.Errors)
                allErrors += influence[node];
            else if (node >= rows.Features && node < rows.Sources)
                tokens += influence[node];
        }
        return new(influence, Ratio(tokens, tokens + allErrors), Ratio(mass - errorMass, mass));
    }

    /// <summary>I + w of a node.</summary>
    public static double Mass(GraphRows rows, double[] influence, IReadOnlyList<double> weights, int node) =>
        influence[node] + (node >= rows.Sources ? weights[node - rows.Sources] : 0);

    /// <summary>Σ |a| over the kept sources of a row.</summary>
    public static double Sum(ReadOnlySpan<float> row, bool[]? kept)
    {
        double sum = 0;
        for (var source = 0; source < row.Length; source++)
            if (kept?[source] != false)
                sum += Math.Abs((double)row[source]);
        return sum;
    }

    private static double Ratio(double part, double whole) => whole == 0 ? double.NaN : part / whole;
}

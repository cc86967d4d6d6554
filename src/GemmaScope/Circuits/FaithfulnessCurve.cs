namespace GemmaScope.Circuits;

/// <summary>Which nodes the circuits of a curve are made of, and how the best of them are found.</summary>
public enum FaithfulnessKind
{
    /// <summary>Features, by what they add to the target along all paths of the graph; errors stay.</summary>
    Features,

    /// <summary>Features, by gradient × (activation − mean) in the model itself; errors stay.</summary>
    FeaturesByGradient,

    /// <summary>Random features, as control; errors stay.</summary>
    RandomFeatures,

    /// <summary>Features, by the graph; errors are at their mean too, so that the circuit explains all by itself.</summary>
    FeaturesWithoutErrors,

    /// <summary>Neurons of the same layers' MLPs, by gradient × (activation − mean): the same shares of all neurons.</summary>
    Neurons,

    /// <summary>The same neurons, but as many as there are features in the other circuits.</summary>
    AsManyNeurons,
}

/// <summary>How much of a number of the model a circuit of one size brings back.</summary>
/// <param name="Share">The part of the nodes that may be kept.</param>
/// <param name="Kept">How many those are, rounded down.</param>
/// <param name="Helpful">Faithfulness of the circuit of the nodes that raise the number most (lower it, where the model has less than the
/// empty circuit); of random ones the mean; null where it is not defined.</param>
/// <param name="Strongest">That of the nodes with the largest effect of either sign.</param>
/// <param name="Range">Of random circuits the lowest and the highest.</param>
public sealed record FaithfulnessPoint(double Share, int Kept, double? Helpful, double? Strongest, FaithfulnessRange? Range = null);

/// <summary>The spread of several random circuits.</summary>
/// <param name="Lowest">The lowest.</param>
/// <param name="Highest">The highest.</param>
public sealed record FaithfulnessRange(double Lowest, double Highest)
{
    internal static FaithfulnessRange? Of(IReadOnlyCollection<double?> values) =>
        values.Count > 0 && values.All(value => value is not null) ? new(values.Min()!.Value, values.Max()!.Value) : null;
}

/// <summary>
/// Faithfulness over sizes of circuits, as the Mechanistic Interpretability Benchmark defines it (MIB, arXiv 2504.13151, section 3.1, and its
/// code hannamw/MIB-circuit-track, evaluation.py): f(k) = (m(C_k) − m(∅)) / (m(N) − m(∅)), with m of the circuit of the k best nodes, of none
/// and of the whole model. Areas are by trapezoids over the part of the nodes, from the least size to all.
/// </summary>
/// <param name="Kind">The nodes and their order.</param>
/// <param name="Nodes">How many there are.</param>
/// <param name="Empty">m with none of them kept.</param>
/// <param name="Points">By rising size.</param>
/// <param name="Cpr">The integrated circuit performance ratio ∫ f, of circuits of the most helpful nodes: the higher, the better; above 1
/// where a circuit does better than the model. Of random ones the mean.</param>
/// <param name="Cmd">The integrated circuit–model distance ∫ |1 − f|, of circuits of the strongest nodes: 0 where each does what the model
/// does.</param>
/// <param name="CprRange">Of random circuits.</param>
/// <param name="CmdRange">Of random circuits.</param>
public sealed record FaithfulnessCurve(
    FaithfulnessKind Kind,
    int Nodes,
    double Empty,
    IReadOnlyList<FaithfulnessPoint> Points,
    double? Cpr,
    double? Cmd,
    FaithfulnessRange? CprRange = null,
    FaithfulnessRange? CmdRange = null
)
{
    /// <summary>What is smaller than this part of the numbers is the rounding of two runs: no ratio to it means anything.</summary>
    private const double Noise = 1e-5;

    /// <summary>The sizes of circuits: parts of all nodes, as in MIB.</summary>
    public static IReadOnlyList<double> Sizes { get; } = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

    /// <summary>How many nodes a size stands for.</summary>
    public static int Kept(double share, int nodes) => (int)(share * nodes);

    /// <summary>f; null where the model does no more than the empty circuit.</summary>
    public static double? Faithfulness(double value, double empty, double full) =>
        Math.Abs(full - empty) > Noise * Math.Max(1, Math.Max(Math.Abs(full), Math.Abs(empty)))
        && double.IsFinite(value)
        && double.IsFinite(full - empty)
            ? (value - empty) / (full - empty)
            : null;

    /// <summary>∫ f over the part of the nodes.</summary>
    /// <param name="sizes">Parts, rising.</param>
    /// <param name="faithfulness">f of each.</param>
    public static double? PerformanceRatio(IReadOnlyList<double> sizes, IReadOnlyList<double?> faithfulness) =>
        Area(sizes, faithfulness, f => f);

    /// <summary>∫ |1 − f| over the part of the nodes.</summary>
    /// <param name="sizes">Parts, rising.</param>
    /// <param name="faithfulness">f of each.</param>
    public static double? ModelDistance(IReadOnlyList<double> sizes, IReadOnlyList<double?> faithfulness) =>
        Area(sizes, faithfulness, f => Math.Abs(1 - f));

    private static double? Area(IReadOnlyList<double> sizes, IReadOnlyList<double?> values, Func<double, double> of)
    {
        if (values.Count == 0 || values.Any(value => value is null))
            return null;
        double area = 0;
        for (var i = 1; i < sizes.Count; i++)
            area += (sizes[i] - sizes[i - 1]) * (of(values[i - 1]!.Value) + of(values[i]!.Value)) / 2;
        return area;
    }
}

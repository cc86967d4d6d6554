namespace GemmaScope.Circuits;

/// <summary>Whether features stand in for each other: each is turned off while the others are scaled up to make up for it
/// (<see cref="SupernodeProposal"/>).</summary>
/// <param name="effects">What changes do to all that lies behind.</param>
/// <param name="mostAdded">By how much the others are scaled up beyond 1 at most.</param>
internal sealed class SubstitutionTest(DownstreamEffects effects, double mostAdded)
{
    /// <summary>The part of the loss of a member that the others make good, and the mean cosine of two members' effects. 0 where nothing
    /// has an effect.</summary>
    public (double StandIn, double Agreement) Of(int[] members, CancellationToken cancellationToken)
    {
        var behind = effects.Behind(members);
        double[][] single = Array.ConvertAll(members, member => Masked(effects.Ablated(member, cancellationToken), behind));
        double left = 0,
            lost = 0;
        for (var i = 0; i < members.Length; i++)
        {
            var others = Sum(single.Where((_, j) => j != i), single[i].Length);
            var size = Math.Sqrt(Dot(single[i], single[i]));
            lost += size;
            // What the others do when they are turned off they undo when they are scaled up, in proportion.
            var added = Dot(others, others) is > 0 and var squares ? Math.Clamp(Dot(single[i], others) / squares, 0, mostAdded) : 0;
            left += added > 0 ? Left(members, i, added, behind, cancellationToken) : size;
        }
        return (lost > 0 ? 1 - left / lost : 0, Agreement(single));
    }

    /// <summary>The effect of all as a part of the sum of each alone: the coefficient of its projection.</summary>
    public double Joint(int[] members, CancellationToken cancellationToken)
    {
        var behind = effects.Behind(members);
        var sum = Sum(members.Select(member => Masked(effects.Ablated(member, cancellationToken), behind)), behind.Length);
        var all = Masked(effects.Of(Array.ConvertAll(members, member => effects.Scaled(member, 0)), cancellationToken), behind);
        return Dot(sum, sum) is > 0 and var squares ? Dot(all, sum) / squares : 0;
    }

    private double Left(int[] members, int without, double added, bool[] behind, CancellationToken cancellationToken)
    {
        FeatureChange[] changes = [.. members.Select((member, j) => effects.Scaled(member, j == without ? 0 : 1 + added))];
        var left = Masked(effects.Of(changes, cancellationToken), behind);
        return Math.Sqrt(Dot(left, left));
    }

    private static double Agreement(double[][] single)
    {
        var cosines = new List<double>();
        for (var i = 0; i < single.Length; i++)
        for (var j = 0; j < i; j++)
            cosines.Add(
                Dot(single[i], single[i]) * Dot(single[j], single[j]) is > 0 and var squares
                    ? Dot(single[i], single[j]) / Math.Sqrt(squares)
                    : 0
            );
        return cosines.Count == 0 ? 0 : cosines.Average();
    }

    private static double[] Masked(double[] effect, bool[] behind) => [.. effect.Select((value, i) => behind[i] ? value : 0)];

    private static double[] Sum(IEnumerable<double[]> effects, int length)
    {
        var sum = new double[length];
        foreach (var one in effects)
            for (var i = 0; i < length; i++)
                sum[i] += one[i];
        return sum;
    }

    private static double Dot(double[] one, double[] other)
    {
        double sum = 0;
        for (var i = 0; i < one.Length; i++)
            sum += one[i] * other[i];
        return sum;
    }
}

namespace GemmaScope.Circuits;

/// <summary>Settings of <see cref="SupernodeProposal.Find"/>.</summary>
public sealed record SupernodeOptions
{
    /// <summary>The least average similarity at which two groups are joined, above 0 and at most 1.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>Whether features of different positions may come together.</summary>
    public bool AcrossPositions { get; init; }

    /// <summary>Features that are looked at, those with the most influence; from 2.</summary>
    public int MostFeatures { get; init; } = 300;

    /// <summary>Tokens of the texts on which a feature has to fire, from 1: of one that fires less nobody knows what it fires with.</summary>
    public int LeastTokens { get; init; } = 3;

    /// <summary>The part of the loss of a member that the others must make good, above 0 and at most 1.</summary>
    public double LeastStandIn { get; init; } = 0.5;

    /// <summary>Random groups that each is compared with, from 1.</summary>
    public int Controls { get; init; } = 19;

    /// <summary>What stays as it was while features are changed.</summary>
    public InterventionMode Mode { get; init; } = InterventionMode.Free;

    /// <summary>Seed of the random groups.</summary>
    public int Seed { get; init; }

    /// <summary>Throws where a number is out of range.</summary>
    /// <exception cref="ArgumentProblemException">One is.</exception>
    public void Check()
    {
        Require(Threshold is > 0 and <= 1, nameof(Threshold), Threshold, "above 0 and at most 1");
        Require(LeastStandIn is > 0 and <= 1, nameof(LeastStandIn), LeastStandIn, "above 0 and at most 1");
        Require(MostFeatures >= 2, nameof(MostFeatures), MostFeatures, "2 or more");
        Require(LeastTokens >= 1, nameof(LeastTokens), LeastTokens, "1 or more");
        Require(Controls >= 1, nameof(Controls), Controls, "1 or more");

        static void Require(bool holds, string name, double value, string range)
        {
            if (!holds)
                throw new ArgumentProblemException($"is {value}; it must be {range}", new Setting(name));
        }
    }
}

/// <summary>Features of a graph that were proposed as one, and what speaks for it (<see cref="SupernodeProposal"/>).</summary>
/// <param name="Nodes">The nodes, rising.</param>
/// <param name="CoFiring">How alike they fire over the texts: the mean correlation of two.</param>
/// <param name="EdgeSimilarity">How alike their edges are: the mean cosine of two.</param>
/// <param name="StandIn">Which part of the effect of losing a member the others make good, weighted by the effects; 1 is all, 0 nothing,
/// below 0 that they make it worse.</param>
/// <param name="ControlMean">The same of random groups, on average; null where there were none to compare with.</param>
/// <param name="ControlMost">Of the best random group.</param>
/// <param name="Controls">How many random groups.</param>
/// <param name="BetterControls">How many of them did as well or better.</param>
/// <param name="Agreement">The mean cosine of the effects of turning off two members.</param>
/// <param name="ControlAgreement">The same of random groups, on average.</param>
/// <param name="Joint">The effect of turning all off, as a part of the sum of the effects of each alone: 1 where they add up, less where
/// they do the same thing twice, more where each hides the loss of another.</param>
/// <param name="IsValidated">Whether the members stand in for each other well enough, and better than random features: than all random
/// groups, of which one in twenty, where there are so many, may do as well.</param>
public sealed record ProposedSupernode(
    IReadOnlyList<int> Nodes,
    double CoFiring,
    double EdgeSimilarity,
    double StandIn,
    double? ControlMean,
    double? ControlMost,
    int Controls,
    int BetterControls,
    double Agreement,
    double? ControlAgreement,
    double Joint,
    bool IsValidated
);

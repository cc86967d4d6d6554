namespace GemmaScope.Evaluation;

/// <summary>
/// How well steering works, by ratings of its outputs from 0 to 2 for concept, instruction and fluency (AxBench, METHODS §6.4). The first
/// half of the instructions
/// chooses the factor, the other half gives the score.
/// </summary>
/// <param name="Factor">The place of the chosen factor among those tried.</param>
/// <param name="SelectionMeans">Of each factor, the mean score over the instructions that choose.</param>
/// <param name="Tied">How many factors share the highest.</param>
/// <param name="Score">Mean of the scores of the other instructions at the chosen factor.</param>
/// <param name="Concept">Mean rating there of how much of the concept is in the output.</param>
/// <param name="Instruction">Mean rating there of how well the instruction was followed.</param>
/// <param name="Fluency">Mean rating there of the language.</param>
public sealed record SteeringScore(
    int Factor,
    IReadOnlyList<double> SelectionMeans,
    int Tied,
    double Score,
    double Concept,
    double Instruction,
    double Fluency
)
{
    // Means that differ by rounding are equal.
    private const double Equal = 1e-12;

    /// <summary>The score of one output: the harmonic mean of its ratings, 0 if any is 0.</summary>
    public static double HarmonicMean(ReadOnlySpan<double> ratings)
    {
        double inverse = 0;
        foreach (var rating in ratings)
        {
            if (!(rating > 0))
                return 0;
            inverse += 1 / rating;
        }
        return ratings.Length / inverse;
    }

    /// <summary>The score of one concept.</summary>
    /// <param name="factors">The factors that were tried; of equally good ones the smallest |factor| is chosen, then the earlier.</param>
    /// <param name="ratings">[factors][instructions] concept, instruction and fluency.</param>
    /// <exception cref="ArgumentProblemException">Ratings are missing or out of range, or there are fewer than two
    /// instructions.</exception>
    public static SteeringScore Of(
        IReadOnlyList<double> factors,
        IReadOnlyList<IReadOnlyList<(double Concept, double Instruction, double Fluency)>> ratings
    )
    {
        var instructions = ratings.Count > 0 ? ratings[0].Count : 0;
        if (ratings.Count != factors.Count || ratings.Any(row => row.Count != instructions))
            throw new ArgumentProblemException("must be there for each factor and instruction", "ratings");
        if (instructions < 2)
            throw new ArgumentProblemException("needs two instructions: one half chooses the factor, the other gives the score", "ratings");
        if (ratings.Any(row => row.Any(one => !(one is { Concept: >= 0 and <= 2, Instruction: >= 0 and <= 2, Fluency: >= 0 and <= 2 }))))
            throw new ArgumentProblemException("must be from 0 to 2", "ratings");
        var half = instructions / 2;
        double[] means = [.. ratings.Select(row => row.Take(half).Average(Score))];
        var best = means.Max();
        int[] tied = [.. Enumerable.Range(0, means.Length).Where(i => best - means[i] <= Equal)];
        var chosen = tied.MinBy(i => Math.Abs(factors[i]));
        (double Concept, double Instruction, double Fluency)[] rest = [.. ratings[chosen].Skip(half)];
        return new(
            chosen,
            means,
            tied.Length,
            rest.Average(Score),
            rest.Average(one => one.Concept),
            rest.Average(one => one.Instruction),
            rest.Average(one => one.Fluency)
        );

        static double Score((double Concept, double Instruction, double Fluency) one) =>
            HarmonicMean([one.Concept, one.Instruction, one.Fluency]);
    }
}

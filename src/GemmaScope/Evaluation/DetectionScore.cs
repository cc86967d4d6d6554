namespace GemmaScope.Evaluation;

/// <summary>
/// How well an explanation of a feature foretells where it fires (METHODS §6.1): somebody who knows only the explanation says of each
/// passage whether the
/// feature is active in it (detection), or whether the marked tokens are the active ones (fuzzing).
/// </summary>
/// <param name="Counts">Answers against the truth.</param>
/// <param name="Unparsed">Answers that could not be read; they count for nothing.</param>
public sealed record DetectionScore(Confusion Counts, int Unparsed)
{
    /// <summary>Answers that were read.</summary>
    public int Used => Counts.TruePositives + Counts.FalsePositives + Counts.FalseNegatives + Counts.TrueNegatives;

    /// <summary>Counts the answers of one feature.</summary>
    /// <param name="truth">Whether it is so.</param>
    /// <param name="answers">What was said; null where it could not be read.</param>
    /// <exception cref="ArgumentProblemException">There are not as many answers as passages.</exception>
    public static DetectionScore Of(ReadOnlySpan<bool> truth, ReadOnlySpan<bool?> answers)
    {
        if (truth.Length != answers.Length)
            throw new ArgumentProblemException($"{answers.Length} answers for {truth.Length} passages", "answers");
        List<bool> labels = [];
        List<double> said = [];
        for (var i = 0; i < truth.Length; i++)
        {
            if (answers[i] is not { } answer)
                continue;
            labels.Add(truth[i]);
            said.Add(answer ? 1 : 0);
        }
        return new DetectionScore(Confusion.At([.. labels], [.. said], 0.5), truth.Length - labels.Count);
    }
}

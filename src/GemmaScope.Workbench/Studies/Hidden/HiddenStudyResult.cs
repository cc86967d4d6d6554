using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of hidden knowledge found.</summary>
public sealed record HiddenStudyResult() : StudyResult(HiddenStudyJob.Name)
{
    /// <summary>The words that may be the secret.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>Those whose secrets are measured; the others choose layers.</summary>
    public required IReadOnlyList<string> Measured { get; init; }

    /// <summary>The conversations that readouts learn from, and those that are measured.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Templates { get; init; }

    /// <summary>How many words of a readout count.</summary>
    public required int Top { get; init; }

    /// <summary>The success of a guess.</summary>
    public required double Chance { get; init; }

    /// <summary>The layer behind which secrets were planted.</summary>
    public required int PlantLayer { get; init; }

    /// <summary>How often the secret is said in spite of all, for each condition.</summary>
    public required IReadOnlyList<HiddenSaid> Said { get; init; }

    /// <summary>How well each readout finds secrets.</summary>
    public required IReadOnlyList<HiddenReadout> Readouts { get; init; }

    /// <summary>The rank of the secret in each measured conversation.</summary>
    public required IReadOnlyList<HiddenCase> Cases { get; init; }
}

/// <summary>How often replies hold the secret.</summary>
/// <param name="Condition">told, or planted.</param>
/// <param name="Share">The share of replies that hold the word.</param>
public sealed record HiddenSaid(string Condition, MeanEstimate? Share);

/// <summary>How well a readout finds secrets that were not said.</summary>
/// <param name="Method">The readout.</param>
/// <param name="Condition">told: the word stands in the instruction; planted: a direction was added and suppressed at the output.</param>
/// <param name="Layer">The layer behind which it reads, chosen on other words; null where it has none.</param>
/// <param name="First">The share of secrets that it puts first.</param>
/// <param name="Success">The share that it puts among the first few.</param>
/// <param name="Control">The same in the conversation without the secret.</param>
/// <param name="Shuffled">The same where the words of conversations were exchanged.</param>
/// <param name="MeanRank">The mean rank of the secret; 1 is best.</param>
/// <param name="ByLayer">The success of each layer on what is measured, which chose nothing.</param>
public sealed record HiddenReadout(
    string Method,
    string Condition,
    int? Layer,
    MeanEstimate? First,
    MeanEstimate? Success,
    MeanEstimate? Control,
    MeanEstimate? Shuffled,
    double? MeanRank,
    IReadOnlyList<double> ByLayer
);

/// <summary>A secret in a conversation, and where a readout puts it.</summary>
/// <param name="Method">The readout.</param>
/// <param name="Condition">told or planted.</param>
/// <param name="Word">The secret.</param>
/// <param name="Template">The conversation.</param>
/// <param name="IsSaid">Whether the reply holds it; then it counts nowhere.</param>
/// <param name="Rank">Its rank among the words, from 1.</param>
/// <param name="ControlRank">Its rank in the conversation without it.</param>
public sealed record HiddenCase(string Method, string Condition, string Word, string Template, bool IsSaid, int Rank, int ControlRank);

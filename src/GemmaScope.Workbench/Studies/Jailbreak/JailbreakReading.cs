namespace GemmaScope.Workbench;

/// <summary>What a study of jailbreaks reads of one prompt.</summary>
/// <param name="Score">Its refusal score.</param>
/// <param name="Refused">Whether the model refuses it: by words in its reply, by the first token where there is none.</param>
/// <param name="IsEmpty">Whether the reply was empty.</param>
/// <param name="Length">Tokens of its last message.</param>
/// <param name="Last">The projection on the direction at the input of each layer, at the last position.</param>
/// <param name="Behind">The projection at the direction's layer, at each position behind the message.</param>
/// <param name="Mean">The mean projection over the message, at the input of each layer.</param>
/// <param name="Max">The largest there.</param>
/// <param name="PromptViolation">The guard's probability that the request violates a policy.</param>
/// <param name="ReplyViolation">The same of the reply.</param>
public sealed record JailbreakReading(
    double Score,
    bool Refused,
    bool IsEmpty,
    int Length,
    IReadOnlyList<double> Last,
    IReadOnlyList<double> Behind,
    IReadOnlyList<double> Mean,
    IReadOnlyList<double> Max,
    double? PromptViolation,
    double? ReplyViolation
);

/// <summary>The same with the largest activation of each feature of each dictionary that fires, over the message and what is behind it.</summary>
internal sealed record JailbreakFeatures(JailbreakReading Reading, IReadOnlyList<JailbreakActive> Active);

/// <summary>The features of one dictionary that fire in a prompt.</summary>
internal sealed record JailbreakActive(int[] Features, float[] Largest);

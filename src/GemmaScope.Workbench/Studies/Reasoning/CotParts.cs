namespace GemmaScope.Workbench;

/// <summary>The answers after the first k sentences of a chain, of one of another question and of random tokens; the last after all.</summary>
internal sealed record CotEarly(string?[] Own, string?[]? Shuffled, string?[] Random, double Mass);

/// <summary>Answers with sentence k made wrong, of another question, or as it was, and with the first k in other words.</summary>
/// <param name="Mistaken">Made wrong.</param>
/// <param name="Shuffled">Of another question.</param>
/// <param name="Resampled">As it was.</param>
/// <param name="Paraphrased">In other words.</param>
/// <param name="Ids">The chain with its middle sentence made wrong; null where none was.</param>
internal sealed record CotCorrupted(string?[] Mistaken, string?[] Shuffled, string?[] Resampled, string?[] Paraphrased, int[]? Ids);

/// <summary>Answers by tokens without meaning.</summary>
internal sealed record CotFilled(string?[] Filler, string?[] Random);

/// <summary>A chain with the hint.</summary>
internal sealed record CotHinted(int[] Ids, string? Answer, string? Transplanted, bool Mentions, bool MentionsWithout);

/// <summary>Answers after reasoning that argues for another answer, and for the same.</summary>
internal sealed record CotSwapped(bool HasOther, string? OtherAnswer, string? Other, bool HasSame, string? Same);

using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A <see cref="MinimalPair"/> in tokens.</summary>
/// <param name="Prompt">The prompt, BOS in front.</param>
/// <param name="Other">The other prompt.</param>
/// <param name="Answer">The token that is right after the first.</param>
/// <param name="Wrong">The token that is right after the other.</param>
/// <param name="Changed">Of each position of the prompt, whether its word is another one there.</param>
/// <param name="OtherChanged">The same of the other prompt.</param>
/// <param name="Partner">Of each position of the prompt the same place of the other; null for a changed word of another length.</param>
internal sealed record EncodedPair(int[] Prompt, int[] Other, int Answer, int Wrong, bool[] Changed, bool[] OtherChanged, int?[] Partner)
{
    public static EncodedPair Of(MinimalPair pair, Tokenizer tokenizer)
    {
        int[] prompt = tokenizer.Encode(pair.Prompt, addBos: true),
            other = tokenizer.Encode(pair.Other, addBos: true);
        if (prompt.SequenceEqual(other))
            throw new ArgumentProblemException($"the prompts of a pair are the same: \"{pair.Prompt}\"", "pairs");
        var partner = TokenAlignment.Of(prompt, other);
        return new(
            prompt,
            other,
            Token(pair.Answer, pair, tokenizer),
            Token(pair.Wrong, pair, tokenizer),
            Differing(prompt, other, partner),
            Differing(other, prompt, TokenAlignment.Of(other, prompt)),
            partner
        );
    }

    private static bool[] Differing(int[] prompt, int[] other, int?[] partner) =>
        [.. prompt.Select((token, position) => partner[position] is not { } place || other[place] != token)];

    private static int Token(string text, MinimalPair pair, Tokenizer tokenizer) =>
        tokenizer.Encode(text) is [var token]
            ? token
            : throw new ArgumentProblemException(
                $"the answer '{text}' to \"{pair.Prompt}\" is {tokenizer.Encode(text).Length} tokens, and it must be one; write it as the model has it, "
                    + "usually with its space, or take its first token",
                "pairs"
            );
}

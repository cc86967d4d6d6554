using GemmaScope.Text;

namespace GemmaScope.Evaluation;

/// <summary>
/// The text that dictionaries are checked on: prose, speech, facts, a program, advice and three languages, so that no kind of text decides
/// alone.
/// </summary>
public static class CheckText
{
    /// <summary>Tokens of each text where nobody says it.</summary>
    public const int TokensPerText = 64;

    /// <summary>How many texts there are.</summary>
    public static int Count => Texts.Length;

    private static readonly string[] Texts =
    [
        "The library on Mill Street opens at nine, and by ten the reading room is usually full. Most visitors come for the newspapers, a few "
            + "for the old maps of the harbour, and some because the room is warm.",
        "\"I never asked him to come,\" she said, and put the letter back on the table. Her brother looked out of the window for a long time. "
            + "The rain had begun again, and nobody in the house wished to speak first.",
        "Water boils at 100 degrees Celsius at sea level. At 3,000 metres the pressure is lower, so it boils near 90 degrees, and potatoes "
            + "need about 20 minutes more. The same effect explains why a pressure cooker saves time.",
        "for i in range(10):\n    total = total + prices[i] * 2\n    if total > 100:\n        print(\"limit reached\")\n        break\n",
        "Question: How do I keep bread fresh for longer?\nAnswer: Let it cool, wrap it in a cloth, and keep it in a dry box. In hot weather "
            + "you can freeze half of the loaf and toast the slices when you need them.",
        "Der Zug nach Hamburg hat zehn Minuten Verspätung. Le marché ouvre tous les samedis à huit heures. La casa tiene una puerta verde y "
            + "dos ventanas.",
    ];

    /// <summary>The texts as a model reads them, each with a BOS in front.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tokensPerText">Tokens of each at most, BOS included; at least 2.</param>
    public static EvaluationBatch Of(Tokenizer tokenizer, int tokensPerText = TokensPerText)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerText, 2);
        int[][] sequences =
        [
            .. Texts.Select(text => tokenizer.Encode(text, addBos: true)).Select(ids => ids[..Math.Min(ids.Length, tokensPerText)]),
        ];
        return new(sequences, [.. sequences.Select(ids => CountedPositions.Of(ids, tokenizer))], tokenizer.BosId);
    }
}

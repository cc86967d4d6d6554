using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Behaviour;

/// <summary>A prompt with an answer that shows a behaviour and one that does not, such as <c>(A</c> and <c>(B</c>.</summary>
/// <param name="Prompt">What comes before both answers.</param>
/// <param name="Positive">The answer that shows it.</param>
/// <param name="Negative">The answer that does not.</param>
public sealed record ContrastPair(string Prompt, string Positive, string Negative)
{
    private static readonly string[] Fields = ["prompt", "positive", "negative"];

    /// <summary>Reads JSON lines with <c>prompt</c>, <c>positive</c> and <c>negative</c>; the prompt may be left out.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, holds nothing, or a line lacks an answer.</exception>
    public static IReadOnlyList<ContrastPair> Load(string file)
    {
        ContrastPair[] pairs = [.. JsonLines.Read(file).Select(Read)];
        return pairs.Length > 0 ? pairs : throw new FileFormatException("holds no pair; each line has prompt, positive and negative", file);
    }

    /// <summary>Token ids of both texts, BOS in front; each ends with the last token of its answer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="chat">The template in which the prompt is a user's turn and the answer begins the model's; null: prompt and answer are
    /// one text.</param>
    public (int[] Positive, int[] Negative) Encode(Tokenizer tokenizer, ChatTemplate? chat = null)
    {
        return (Encode(Positive), Encode(Negative));

        int[] Encode(string answer) =>
            chat is null
                ? tokenizer.Encode(Prompt + answer, addBos: true)
                : [.. chat.Encode(tokenizer, [new ChatMessage("user", Prompt)], addGenerationPrompt: true), .. tokenizer.Encode(answer)];
    }

    private static ContrastPair Read(JsonSection line)
    {
        line.RequireKnown(Fields);
        var pair = new ContrastPair(
            line.Text("prompt") ?? "",
            line.Text("positive") ?? throw line.Missing("positive"),
            line.Text("negative") ?? throw line.Missing("negative")
        );
        if (pair.Positive.Length == 0 || pair.Negative.Length == 0)
            throw line.Bad(pair.Positive.Length == 0 ? "positive" : "negative", "is empty; there is no answer token to read");
        return pair.Positive != pair.Negative
            ? pair
            : throw line.Bad("negative", "is the positive answer again; there is no difference to learn from");
    }
}

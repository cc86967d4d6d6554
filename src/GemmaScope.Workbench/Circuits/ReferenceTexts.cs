using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>The texts over which circuits take means: those of files, or sentences of every kind where none is named.</summary>
internal static class ReferenceTexts
{
    /// <summary>Tokens of a text at most.</summary>
    public const int Window = 64;

    /// <summary>Texts of files at most.</summary>
    public const int Most = 32;

    // A mean is of what text is like in general, so that each of these is about something else.
    private static readonly string[] Sentences =
    [
        "The committee met on Tuesday to discuss the budget for the coming year, and decided to ask for more time.",
        "She put the letter back into its envelope and looked out at the rain for a long while without speaking.",
        "Water boils at a lower temperature on a mountain, because the pressure of the air is lower there.",
        "In 1912 the company moved its offices to the north of the city, where land was cheaper.",
        "Mix the flour with the butter, add two eggs and a little salt, and leave the dough to rest for an hour.",
        "The match ended in a draw after both teams had missed several chances in the second half.",
        "\"I do not think so,\" said the old man, \"but you may ask my brother, who was there.\"",
        "Most of the island is covered by forest, and its rivers are short and rapid.",
        "To install the program, download the file, open it, and follow the instructions on the screen.",
        "The patients were divided into two groups, of which one received the new treatment for six weeks.",
        "He was born in a small village near the coast, the third of seven children of a fisherman.",
        "Prices rose by three percent last month, more than most economists had expected.",
        "If a number is divisible by six, it is divisible by two and by three as well.",
        "The cat slept on the windowsill all afternoon, and nothing could wake her.",
        "Under this agreement, either party may end the contract by giving notice in writing thirty days before.",
        "Stars much heavier than the sun burn their fuel quickly and end in an explosion.",
    ];

    /// <summary>The tokens of each, BOS included.</summary>
    /// <param name="model">The model.</param>
    /// <param name="paths">Files and folders of texts; none for the sentences.</param>
    /// <exception cref="GemmaScopeException">A file cannot be read, or there is no text in it.</exception>
    public static IReadOnlyList<int[]> Read(GemmaModel model, IReadOnlyList<string> paths)
    {
        int[][] texts =
            paths.Count == 0
                ? [.. Sentences.Select(text => model.Tokenizer.Encode(text, addBos: true))]
                : [.. new TextCorpus(paths).Windows(model.Tokenizer, Window).Where(window => window.Length > 1).Take(Most)];
        return texts.Length > 0
            ? texts
            : throw new ArgumentProblemException("holds no text to take means over", new Setting(nameof(CircuitCheckJobOptions.Reference)));
    }
}

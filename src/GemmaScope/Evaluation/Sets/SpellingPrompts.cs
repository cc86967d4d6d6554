using GemmaScope.Text;

namespace GemmaScope.Evaluation;

/// <summary>A word inside its prompt, up to the token where it is read.</summary>
/// <param name="Word">The word.</param>
/// <param name="Ids">BOS, the examples, and the word; the last token is the word's last.</param>
/// <param name="Tokens">Tokens of the word.</param>
public sealed record SpellingPrompt(string Word, int[] Ids, int Tokens)
{
    /// <summary>The word's first letter, from 0 for a.</summary>
    public int Letter => Word[0] - 'a';
}

/// <summary>
/// The prompts of the first-letter task (METHODS §6.2): lines <c>word has the first letter: W</c> as examples, then the word in question.
/// The
/// protocol reads position −6 of <c>word has the first letter:</c>, which is the word's last token where the rest is five tokens; here that
/// token
/// is found by its place in the text, whatever the tokenizer. What follows it cannot change its activations and is not run.
/// </summary>
public static class SpellingPrompts
{
    private const string Rest = " has the first letter:";

    /// <summary>The words of files with one word a line: lower-case letters a to z, two or more, each once.</summary>
    /// <exception cref="FileFormatException">A file is missing or holds no such word.</exception>
    public static IReadOnlyList<string> ReadWords(IEnumerable<string> files) =>
        [
            .. files
                .SelectMany(file =>
                {
                    string[] words =
                    [
                        .. TextDocuments
                            .Read([file])
                            .SelectMany(text => text.Split('\n', StringSplitOptions.TrimEntries))
                            .Where(word => word.Length > 1 && word.All(char.IsAsciiLetterLower)),
                    ];
                    return words.Length > 0
                        ? words
                        : throw new FileFormatException("holds no word of lower-case letters, one a line", file);
                })
                .Distinct(),
        ];

    /// <summary>The prompts of some words, in their order; the examples are other words, chosen by the seed.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="words">The words.</param>
    /// <param name="examples">Examples in each prompt, from 0 to 10.</param>
    /// <param name="maxTokens">Words of more tokens are left out; the protocol has words of one token.</param>
    /// <param name="seed">The same seed chooses the same examples.</param>
    public static IReadOnlyList<SpellingPrompt> Make(
        Tokenizer tokenizer,
        IReadOnlyList<string> words,
        int examples = 10,
        int maxTokens = 1,
        int seed = 0
    )
    {
        if (examples is < 0 or > 10)
            throw new ArgumentProblemException($"must be from 0 to 10, found {examples}", "examples");
        // Words stand behind a space, where vocabularies have most of them in one piece.
        var known = words.Where(word => tokenizer.Encode(" " + word).Length <= maxTokens).ToArray();
        var random = new Random(seed);
        return [.. known.Select(word => Prompt(tokenizer, word, [.. Draw(random, known, examples, word)]))];
    }

    private static IEnumerable<string> Draw(Random random, string[] words, int count, string but)
    {
        HashSet<string> drawn = [];
        while (drawn.Count < Math.Min(count, words.Length - 1))
            if (words[random.Next(words.Length)] is var word && word != but && drawn.Add(word))
                yield return word;
    }

    private static SpellingPrompt Prompt(Tokenizer tokenizer, string word, string[] examples)
    {
        var before = string.Concat(examples.Select(example => $" {example}{Rest} {char.ToUpperInvariant(example[0])}\n"));
        var text = tokenizer.EncodeWithOffsets($"{before} {word}{Rest}", addBos: true);
        var (start, end) = (before.Length + 1, before.Length + 1 + word.Length);
        var last = Enumerable
            .Range(0, text.Ids.Count)
            .Last(i => text.Spans[i] is { Length: > 0 } span && span.Start < end && span.End > start);
        return new SpellingPrompt(
            word,
            [.. text.Ids.Take(last + 1)],
            Enumerable.Range(0, last + 1).Count(i => text.Spans[i] is { Length: > 0 } span && span.End > start)
        );
    }
}

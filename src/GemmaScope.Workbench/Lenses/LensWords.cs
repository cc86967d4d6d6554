using System.Globalization;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Words that a lens is asked about: each has to be one token.</summary>
public static class LensWords
{
    /// <summary>The token of a word: as it is written, or behind a space; or <c>#123</c>, the id.</summary>
    /// <exception cref="ArgumentProblemException">It is no single token; the message names its pieces.</exception>
    public static int Token(GemmaModel model, string word)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(word);
        if (word[0] == '#' && int.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return id < model.Config.RealVocabulary
                ? id
                : throw new ArgumentProblemException($"there is no token {id}; the vocabulary has {model.Config.RealVocabulary}", word);
        var own = model.Tokenizer.Encode(word, addBos: false);
        if (own.Length == 1)
            return own[0];
        if (word[0] != ' ' && model.Tokenizer.Encode(" " + word, addBos: false) is [var spaced])
            return spaced;
        throw new ArgumentProblemException(
            $"is {own.Length} tokens ({string.Join(", ", own.Select(token => $"'{model.Tokenizer.Piece(token)}'"))}); a lens reads single "
                + "tokens: give one, often with a space in front, or its id as #123",
            $"'{word}'"
        );
    }

    /// <summary>A piece as people read it, on one line: ▁ as a space.</summary>
    public static string Shown(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        return VisibleText.Line(piece.Replace('▁', ' '));
    }

    /// <summary>Layers as they are typed: <c>3</c>, <c>2-4</c>, <c>0,2-4</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <exception cref="ArgumentProblemException">It cannot be read, or names a layer that is not there.</exception>
    public static IReadOnlyList<int> Layers(string text, int layers)
    {
        ArgumentNullException.ThrowIfNull(text);
        SortedSet<int> found = [];
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (
                ends.Length > 2
                || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || last < first
            )
                throw new ArgumentProblemException($"'{text}' names no layers; write 3, 2-4 or 0,2-4", new Setting("Layers"));
            if (last >= layers)
                throw new ArgumentProblemException($"there is no layer {last}; the model has 0 to {layers - 1}", new Setting("Layers"));
            for (var layer = first; layer <= last; layer++)
                found.Add(layer);
        }
        return [.. found];
    }
}

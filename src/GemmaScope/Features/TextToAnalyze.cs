using GemmaScope.Dictionaries;
using GemmaScope.Text;

namespace GemmaScope.Features;

/// <summary>A text to be read, perhaps together with others (<see cref="TextAnalyzer.AnalyzeTogether"/>).</summary>
/// <param name="Dictionaries">Dictionaries trained on the model.</param>
/// <param name="Tokens">Text, ids and places; the places may be missing.</param>
public sealed record TextToAnalyze(IReadOnlyList<SparseDictionary> Dictionaries, TokenizedText Tokens)
{
    /// <summary>Told each analysis as soon as the run has come past its sites, still without next tokens, with the dictionary's index; the run
    /// waits for it.</summary>
    public Action<int, TextAnalysis>? Found { get; init; }
}

using GemmaScope.Features;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Pages;

/// <summary>
/// Reads texts with the model, when the queue has a turn. The last few readings stay in memory, because whoever looks at a text looks at it
/// more than once: each token and each feature that is clicked is a view of the same reading. Nothing is kept on disk.
/// </summary>
internal sealed class TextReader(ServerModel served, ModelQueue queue)
{
    /// <summary>UTF-16 units of a text; a link holds the whole of it.</summary>
    public const int LongestText = 4000;

    private const int Kept = 16;

    private readonly LinkedList<((string Dictionary, string Text) Key, TextAnalysis Analysis)> _last = new();
    private readonly Lock _lock = new();

    /// <summary>What a dictionary finds in a text.</summary>
    /// <exception cref="ArgumentProblemException">The text is empty or too long.</exception>
    public async Task<TextAnalysis> Read(MicroscopeDictionary dictionary, string text, string source, CancellationToken client)
    {
        if (text.Length == 0) throw new ArgumentProblemException("is empty; type a text", "text");
        if (text.Length > LongestText) throw new ArgumentProblemException($"has {text.Length} characters, more than the {LongestText} that a link can hold; look at it in parts", "text");
        // Browsers send line breaks as two characters; the model was taught with one.
        text = text.ReplaceLineEndings("\n");
        if (Find((dictionary.Name, text)) is { } known) return known;
        var options = new AnalyzeOptions { TopPerToken = MicroscopeView.Listed, TopWholeText = MicroscopeView.Listed, ModelName = served.Name };
        var found = await queue.Run(source, cancellation => TextAnalyzer.Analyze(served.Model, dictionary.Dictionary, served.Model.Tokenizer, text, options, cancellation: cancellation), client);
        Keep((dictionary.Name, text), found);
        return found;
    }

    private TextAnalysis? Find((string, string) key)
    {
        lock (_lock)
        {
            for (var node = _last.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key) continue;
                _last.Remove(node);
                _last.AddFirst(node);
                return node.Value.Analysis;
            }
            return null;
        }
    }

    private void Keep((string, string) key, TextAnalysis analysis)
    {
        lock (_lock)
        {
            _last.AddFirst((key, analysis));
            if (_last.Count > Kept) _last.RemoveLast();
        }
    }
}

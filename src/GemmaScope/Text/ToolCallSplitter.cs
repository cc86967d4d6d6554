using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// Keeps calls of tools apart from the answer while a model of Gemma 4 writes: they stand between <c>&lt;|tool_call&gt;</c> and
/// <c>&lt;tool_call|&gt;</c>. Pieces may break anywhere; what may be the beginning of a mark is held back until that is certain. A call that
/// is damaged or was cut off stays in the answer as it was written: who reads it should see what the model did.
/// </summary>
public sealed class ToolCallSplitter
{
    /// <summary>What begins a call.</summary>
    public const string Begin = "<|tool_call>";

    /// <summary>What ends it.</summary>
    public const string End = "<tool_call|>";

    private readonly List<ChatToolCall> _calls = [];
    private string _held = "";

    /// <summary>The calls so far.</summary>
    public IReadOnlyList<ChatToolCall> Calls => _calls;

    /// <summary>Takes the next piece of the answer.</summary>
    /// <returns>What is certain to be said, and no call.</returns>
    public string Append(string piece)
    {
        var text = _held + piece;
        var said = new StringBuilder();
        var at = 0;
        while (true)
        {
            var begin = text.IndexOf(Begin, at, StringComparison.Ordinal);
            if (begin < 0)
            {
                var until = text.Length - ThinkingSplitter.BeginningAtEnd(text.AsSpan(at), Begin);
                said.Append(text, at, until - at);
                _held = text[until..];
                return said.ToString();
            }
            said.Append(text, at, begin - at);
            var end = text.IndexOf(End, begin, StringComparison.Ordinal);
            if (end < 0)
            {
                _held = text[begin..];
                return said.ToString();
            }
            at = end + End.Length;
            if (Gemma4CallReader.Read(text[(begin + Begin.Length)..end]) is { } call)
                _calls.Add(call);
            else
                said.Append(text, begin, at - begin);
        }
    }

    /// <summary>Ends the answer.</summary>
    /// <returns>What was held back.</returns>
    public string Flush()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    /// <summary>Both parts of a whole answer.</summary>
    public static (string Said, IReadOnlyList<ChatToolCall> Calls) Split(string answer)
    {
        var splitter = new ToolCallSplitter();
        return (splitter.Append(answer) + splitter.Flush(), splitter.Calls);
    }
}

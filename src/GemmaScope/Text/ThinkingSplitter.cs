using System.Text;

namespace GemmaScope.Text;

/// <summary>A piece of what a model writes, one of its two parts mostly empty.</summary>
/// <param name="Thinking">What it adds to the thoughts.</param>
/// <param name="Answer">What it adds to the answer.</param>
public readonly record struct ThoughtAndAnswer(string Thinking, string Answer);

/// <summary>
/// Keeps thoughts apart from the answer while a model of Gemma 4 writes: thoughts stand between <c>&lt;|channel&gt;thought\n</c> and
/// <c>&lt;channel|&gt;</c>. Pieces may break anywhere; what may be the beginning of a mark is held back until that is certain. Joined, the
/// pieces are the same however the text was cut.
/// </summary>
public sealed class ThinkingSplitter
{
    /// <summary>What begins thoughts, before their name and a line break.</summary>
    public const string Channel = "<|channel>";

    /// <summary>What ends them.</summary>
    public const string End = "<channel|>";

    internal const string Begin = Channel + "thought\n";

    private string _held = "";
    private State _state;

    /// <summary>Begins.</summary>
    /// <param name="startsThinking">Whether the prompt has opened the thoughts, so that the text begins inside them.</param>
    public ThinkingSplitter(bool startsThinking = false) => _state = startsThinking ? State.Thinking : State.Answer;

    /// <summary>Where the text is.</summary>
    private enum State
    {
        /// <summary>Outside channels.</summary>
        Answer,

        /// <summary>In the line that names a channel, which belongs to neither part.</summary>
        Name,

        /// <summary>In a channel.</summary>
        Thinking,
    }

    /// <summary>Takes the next piece of the text.</summary>
    /// <returns>What is certain now.</returns>
    public ThoughtAndAnswer Append(string piece)
    {
        var text = _held + piece;
        var (thinking, answer) = (new StringBuilder(), new StringBuilder());
        var at = 0;
        while (true)
        {
            var mark = Mark;
            var found = text.IndexOf(mark, at, StringComparison.Ordinal);
            var until = found >= 0 ? found : text.Length - Unsure(text.AsSpan(at), mark);
            var part = text.AsSpan(at, until - at);
            if (_state == State.Answer)
                answer.Append(part);
            else if (_state == State.Thinking)
                // The line break before the mark is the mark's.
                thinking.Append(found > at && text[found - 1] == '\n' ? part[..^1] : part);
            if (found < 0)
            {
                // A channel's name is left out, but is still to come to its end.
                _held = text[until..];
                return new(thinking.ToString(), answer.ToString());
            }
            at = found + mark.Length;
            _state = _state switch
            {
                State.Answer => State.Name,
                State.Name => State.Thinking,
                _ => State.Answer,
            };
        }
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public ThoughtAndAnswer Flush()
    {
        var rest = _held;
        _held = "";
        return _state switch
        {
            State.Answer => new("", rest),
            State.Thinking => new(rest, ""),
            _ => default,
        };
    }

    /// <summary>Whether a prompt ends inside thoughts, so that what follows begins there.</summary>
    public static bool IsOpenAfter(string prompt) =>
        prompt.LastIndexOf(Channel, StringComparison.Ordinal) is >= 0 and var begin
        && prompt.IndexOf('\n', begin) >= 0
        && prompt.IndexOf(End, begin, StringComparison.Ordinal) < 0;

    /// <summary>Both parts of a whole text.</summary>
    /// <param name="text">What a model wrote.</param>
    /// <param name="startsThinking">Whether the prompt has opened the thoughts.</param>
    public static ThoughtAndAnswer Split(string text, bool startsThinking = false)
    {
        var splitter = new ThinkingSplitter(startsThinking);
        var (most, rest) = (splitter.Append(text), splitter.Flush());
        return new(most.Thinking + rest.Thinking, most.Answer + rest.Answer);
    }

    private string Mark =>
        _state switch
        {
            State.Answer => Channel,
            State.Name => "\n",
            _ => End,
        };

    /// <summary>How many characters at the end of a text are the beginning of a mark, but not all of it.</summary>
    internal static int BeginningAtEnd(ReadOnlySpan<char> text, string mark)
    {
        var most = Math.Min(mark.Length - 1, text.Length);
        while (most > 0 && !text.EndsWith(mark.AsSpan(0, most), StringComparison.Ordinal))
            most--;
        return most;
    }

    /// <summary>How many characters at the end may belong to the mark: the beginning of it, and inside thoughts a line break before
    /// it.</summary>
    private int Unsure(ReadOnlySpan<char> text, string mark)
    {
        var most = BeginningAtEnd(text, mark);
        return _state == State.Thinking && most < text.Length && text[^(most + 1)] == '\n' ? most + 1 : most;
    }
}

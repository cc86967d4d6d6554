using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Chat;

/// <summary>One of the two conversations, whose last reply is being written or is there. While it is written a monitor watches it, and may
/// end it.</summary>
internal sealed class ChatColumn : IDisposable
{
    private readonly ChatTokens _said;
    private readonly ContinuationWriter? _writer;
    private readonly GemmaModel _model;
    private readonly GenerationOptions _options;
    private readonly ActivationMonitor? _monitor;
    private readonly MonitorTrace _trace;
    private readonly ThinkingSplitter? _splitter;

    /// <param name="kind">normal or steered.</param>
    /// <param name="model">The model.</param>
    /// <param name="said">What was said.</param>
    /// <param name="options">How the reply is written.</param>
    /// <param name="watches">The directions that are watched.</param>
    /// <param name="isOpen">Whether the reply is to be written; else it is the last message.</param>
    public ChatColumn(string kind, GemmaModel model, ChatTokens said, GenerationOptions options, IReadOnlyList<Watch> watches, bool isOpen)
    {
        (Kind, _said, _model, _trace) = (kind, said, model, new(watches.Count));
        if (watches.Count > 0)
            _monitor = new(model.Config, watches, Keep);
        _options = options with { Observer = _monitor };
        // It checks the options, also where nothing is written.
        _splitter = ChatTuning.Splitter(model, ThinkingSplitter.IsOpenAfter(model.Tokenizer.Decode(said.Ids)));
        // Marks of thoughts may be special tokens, and must be seen.
        var writer = new ContinuationWriter(kind, model, said.Ids, _options, skipSpecial: _splitter is null);
        if (isOpen)
            _writer = writer;
        else
            writer.Dispose();
    }

    /// <summary>normal or steered.</summary>
    public string Kind { get; }

    /// <summary>Whether the reply is there.</summary>
    public bool IsDone => _writer is null || _writer.IsDone;

    /// <summary>The whole conversation so far.</summary>
    public int[] Ids => _writer is null ? _said.Ids : [.. _said.Ids, .. _writer.Ids];

    /// <summary>The tokens of the user's last message.</summary>
    public int[] User => [.. Places(_said.Spans[_writer is null ? ^2 : ^1])];

    /// <summary>The tokens of what the last reply says.</summary>
    public int[] Answer => Reply(ChannelPart.Outside);

    /// <summary>The tokens of the thoughts before it; none where there are none.</summary>
    public int[] Thoughts => Reply(ChannelPart.Thoughts);

    /// <summary>The next few tokens of the reply, and how far the model went along the directions meanwhile.</summary>
    /// <param name="cancellationToken">Stops between tokens.</param>
    public ChatPiece Next(CancellationToken cancellationToken)
    {
        _trace.Clear();
        var piece = Split(_writer?.Next(cancellationToken) ?? "");
        return new(
            Kind,
            piece.Answer,
            Ended,
            _monitor?.Stopped?.Reason,
            Along(),
            Thinking: piece.Thinking.Length > 0 ? piece.Thinking : null
        );
    }

    /// <inheritdoc/>
    public void Dispose() => _writer?.Dispose();

    private string? Ended =>
        _writer is not { IsDone: true } ? null
        : _monitor is { HasStopped: true } ? "direction"
        : _writer.Ids.Count == _options.MaxNewTokens ? "max_tokens"
        : Ids.Length > _model.Config.MaxPositions ? "context"
        : "end";

    private void Keep(MonitorReading reading)
    {
        // Of the prompt there is much, and it is read at the end.
        if (reading.IsWritten)
            _trace.Add(reading);
    }

    private Dictionary<string, IReadOnlyList<float>>? Along() =>
        _monitor is null || _trace.Count == 0
            ? null
            : _monitor
                .Watches.Index()
                .ToDictionary(
                    one => one.Item.Name,
                    one => (IReadOnlyList<float>)[.. Enumerable.Range(0, _trace.Count).Select(i => _trace.Values(i)[one.Index])]
                );

    private ThoughtAndAnswer Split(string text)
    {
        if (_splitter is null)
            return new("", text);
        var piece = _splitter.Append(text);
        if (!IsDone)
            return piece;
        var rest = _splitter.Flush();
        return new(piece.Thinking + rest.Thinking, piece.Answer + rest.Answer);
    }

    private int[] Reply(ChannelPart wanted)
    {
        var ids = Ids;
        var parts = ChannelTokens.PartsOf(_model.Tokenizer, ids);
        var reply = _writer is null ? Places(_said.Spans[^1]) : Enumerable.Range(_said.Ids.Length, ids.Length - _said.Ids.Length);
        return [.. reply.Where(i => parts[i] == wanted)];
    }

    private static IEnumerable<int> Places(ChatSpan span) => Enumerable.Range(span.Start, span.End - span.Start);
}

using System.Runtime.CompilerServices;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Chat;

/// <summary>
/// Answers conversations twice, as the model does and steered, in turns with what others ask of the model. Whoever stops reading stops it.
/// </summary>
/// <param name="served">The model.</param>
/// <param name="queue">Its queue.</param>
/// <param name="instrument">The dictionaries in memory; null for none.</param>
/// <param name="directions">The directions in memory.</param>
internal sealed class ChatTalk(ServerModel served, ModelQueue queue, Instrument? instrument, IReadOnlyList<ServedDirection> directions)
{
    private readonly ChatPrompts _prompts = new(served.Model);

    /// <summary>Whether the model was tuned to chat.</summary>
    public bool IsTuned => _prompts.IsTuned;

    /// <summary>Whether it can think before it answers.</summary>
    public bool CanThink => _prompts.CanThink;

    /// <summary>Answers the last turn, both replies in turns and as they come, and reads it; where it has its replies it is only
    /// read.</summary>
    /// <param name="request">The conversation.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentProblemException">Something is out of range, too long or not there.</exception>
    public IAsyncEnumerable<ChatPiece> AnswerAsync(ChatRequest request, string source, CancellationToken cancellationToken) =>
        AnswerAsync(Check(request), source, cancellationToken);

    private async IAsyncEnumerable<ChatPiece> AnswerAsync(
        Asked asked,
        string source,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var normal = new ChatColumn(ChatPiece.Normal, served.Model, asked.Normal, asked.Options, asked.Watches, asked.IsOpen);
        using var steered = asked.Steered is { } other
            ? new ChatColumn(
                ChatPiece.Steered,
                served.Model,
                other,
                asked.Options with
                {
                    Edits = asked.Edits,
                },
                asked.Watches,
                asked.IsOpen
            )
            : null;
        ChatColumn[] columns = steered is null ? [normal] : [normal, steered];
        while (columns.Any(column => !column.IsDone))
            foreach (var column in columns.Where(column => !column.IsDone))
            {
                var piece = await queue.RunAsync(source, column.Next, cancellationToken).ConfigureAwait(false);
                if (piece is not { Text: "", Ended: null, Along: null, Thinking: null })
                    yield return piece;
            }
        var first = await queue
            .RunAsync(
                source,
                turn => asked.Reader.Read(normal.Ids, [normal.User, normal.Answer, normal.Thoughts], [], turn),
                cancellationToken
            )
            .ConfigureAwait(false);
        var second = steered is null
            ? null
            : await queue
                .RunAsync(
                    source,
                    turn => asked.Reader.Read(steered.Ids, [steered.Answer, steered.Thoughts], asked.Edits, turn),
                    cancellationToken
                )
                .ConfigureAwait(false);
        yield return new(ChatPiece.Reading, "", Read: new(first[0], first[1], second?[0], Some(first[2]), Some(second?[1])));

        static MessageReading? Some(MessageReading? thoughts) => thoughts is { Tokens.Count: > 0 } ? thoughts : null;
    }

    /// <summary>Finds out what is wrong before anything is said.</summary>
    private Asked Check(ChatRequest request)
    {
        if (request.Turns.Count is 0 or > ChatRequest.MostTurns)
            throw new ArgumentProblemException($"must have 1 to {ChatRequest.MostTurns} turns; begin a new conversation", "turns");
        if (request.Turns.Contains(null!) || request.Features?.Contains(null!) is true || request.Directions?.Contains(null!) is true)
            throw new ArgumentProblemException("a list has a null in it", "conversation");
        if (request.MaxTokens is < 1 or > ChatRequest.MostTokens)
            throw new ArgumentProblemException($"must be from 1 to {ChatRequest.MostTokens}", "max_tokens");
        foreach (var (turn, isLast) in request.Turns.Select((turn, i) => (turn, i == request.Turns.Count - 1)))
            Check(turn, isLast);
        var watched = Watched(request);
        var edits = Edits(request, watched);
        var options = new GenerationOptions
        {
            MaxNewTokens = request.MaxTokens,
            Temperature = request.Temperature,
            Seed = request.Seed,
            StopTokens = ChatTuning.StopTokens(served.Model),
        };
        var opens = request.Turns[^1].Normal is null;
        return new(
            _prompts.Of(Messages(request.Turns, Normal), opens, request.Thinking),
            edits.Count == 0 ? null : _prompts.Of(Messages(request.Turns, Steered), opens, request.Thinking),
            edits,
            options,
            [
                .. watched.Select(one =>
                    Behaviour.Watch.Direction(one.Direction.Name, one.Direction.Site, one.Direction.Vector) with
                    {
                        StopAbove = one.StopAbove,
                        // What the user says is no reason to end the reply to it.
                        OnlyWritten = true,
                    }
                ),
            ],
            new ChatReader(
                served,
                instrument is null ? null : instrument.Dictionary(request.Dictionary),
                [.. watched.Select(one => one.Direction)]
            ),
            opens
        );
    }

    private void Check(ChatExchange turn, bool isLast)
    {
        if (string.IsNullOrWhiteSpace(turn.User))
            throw new ArgumentProblemException("is empty; say something", "message");
        if (turn.User.Length > ChatRequest.LongestMessage)
            throw new ArgumentProblemException(
                $"has {turn.User.Length} characters, more than {ChatRequest.LongestMessage}; say it in parts",
                "message"
            );
        _prompts.Check(turn.User);
        if (turn.Normal is null && (!isLast || turn.Steered is not null))
            throw new ArgumentProblemException("of a turn is missing; only the last one is answered", "normal");
        string?[] replies = [turn.Normal, turn.Steered, turn.NormalThinking, turn.SteeredThinking];
        if (replies.Max(reply => reply?.Length ?? 0) > ChatRequest.LongestReply)
            throw new ArgumentProblemException($"has more than {ChatRequest.LongestReply} characters", "reply");
    }

    /// <summary>The directions that are watched, with the strengths they are added with.</summary>
    private (ServedDirection Direction, double Strength, double? StopAbove)[] Watched(ChatRequest request)
    {
        if (request.Directions is not { } named)
            return [.. directions.Select(one => (one, 0.0, (double?)null))];
        if (named.DistinctBy(one => one.Name).Count() < named.Count)
            throw new ArgumentProblemException("one is named twice", "directions");
        return
        [
            .. named.Select(one =>
                (
                    directions.FirstOrDefault(known => known.Name == one.Name)
                        ?? throw new ArgumentProblemException(
                            directions.Count == 0
                                ? $"there is none here; the server has to be started with files of directions to watch {one.Name}"
                                : $"there is no {one.Name} here, only {string.Join(", ", directions.Select(known => known.Name))}",
                            "directions"
                        ),
                    InRange(one.Strength),
                    one.StopAbove
                )
            ),
        ];
    }

    private IReadOnlyList<Edit> Edits(ChatRequest request, (ServedDirection Direction, double Strength, double? StopAbove)[] watched)
    {
        if (!Behaviour.Steering.Modes.TryGetValue(request.Mode, out var mode))
            throw new ArgumentProblemException($"must be one of {string.Join(", ", Behaviour.Steering.Modes.Keys)}", "mode");
        var features = request.Features ?? [];
        if (features.Count > ChatRequest.MostFeatures)
            throw new ArgumentProblemException($"name at most {ChatRequest.MostFeatures} features", "features");
        if (features.Count > 0 && instrument is null)
            throw new ArgumentProblemException("there is no dictionary here to steer with", "features");
        // BOS is left alone, where what happens says nothing.
        var span = new Positions(1, int.MaxValue);
        return
        [
            .. features.Count == 0
                ? []
                : Behaviour.Steering.Edits(
                    mode,
                    [
                        .. features.Select(one => new Behaviour.SteeredFeature(
                            instrument!.Dictionary(one.Dictionary).Dictionary,
                            one.Feature,
                            InRange(one.Strength)
                        )),
                    ],
                    served.Model.Config,
                    span
                ),
            .. watched
                .Where(one => one.Strength != 0)
                .Select(one => Edit.Add(one.Direction.Site, one.Direction.Vector, (float)one.Strength, span)),
        ];
    }

    private static double InRange(double strength) =>
        Math.Abs(strength) <= ChatRequest.LargestStrength
            ? strength
            : throw new ArgumentProblemException(
                $"must be from {-ChatRequest.LargestStrength} to {ChatRequest.LargestStrength}",
                "strength"
            );

    private static (string? Reply, string? Thinking) Normal(ChatExchange turn) => (turn.Normal, turn.NormalThinking);

    /// <summary>Where nothing was steered the reply is the same.</summary>
    private static (string? Reply, string? Thinking) Steered(ChatExchange turn) =>
        turn.Steered is null ? Normal(turn) : (turn.Steered, turn.SteeredThinking);

    private static List<ChatMessage> Messages(IReadOnlyList<ChatExchange> turns, Func<ChatExchange, (string? Reply, string? Thinking)> said)
    {
        var messages = new List<ChatMessage>();
        foreach (var turn in turns)
        {
            // Browsers send line breaks as two characters; the model was taught with one.
            messages.Add(new("user", turn.User.ReplaceLineEndings("\n")));
            if (said(turn) is ({ } reply, var thinking))
                messages.Add(new("assistant", reply) { Reasoning = string.IsNullOrEmpty(thinking) ? null : thinking });
        }
        return messages;
    }

    /// <summary>What is asked, checked.</summary>
    private sealed record Asked(
        ChatTokens Normal,
        ChatTokens? Steered,
        IReadOnlyList<Edit> Edits,
        GenerationOptions Options,
        IReadOnlyList<Behaviour.Watch> Watches,
        ChatReader Reader,
        bool IsOpen
    );
}

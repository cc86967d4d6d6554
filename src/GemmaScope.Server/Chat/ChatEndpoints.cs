using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Chat;

/// <summary>The page of the chat, and the same for programs.</summary>
/// <param name="served">The model.</param>
/// <param name="queue">Its queue.</param>
/// <param name="instrument">The dictionaries in memory; null for none.</param>
/// <param name="library">What is known of features, or null.</param>
/// <param name="directions">The directions in memory.</param>
internal sealed class ChatEndpoints(
    ServerModel served,
    ModelQueue queue,
    Instrument? instrument,
    FeatureLibrary? library,
    IReadOnlyList<ServedDirection> directions
)
{
    private readonly ChatTalk _talk = new(served, queue, instrument, directions);

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/chat", (string? message) => new PageResult(View(new() { Message = Cut(message ?? "") }, [], null).Render()));
        pages.MapGroup("").AddEndpointFilter(OwnForms.OnlyAsync).MapPost("/chat", (Delegate)SayAsync);
        data.MapPost(
                "/api/chat",
                (Delegate)(
                    async (HttpContext context) =>
                    {
                        var request = await RequestBody.ReadAsync<ChatRequest>(context).ConfigureAwait(false);
                        await JsonLineAnswer.WriteAsync(context, AnswerAsync(request, context)).ConfigureAwait(false);
                    }
                )
            )
            .Accepts<ChatRequest>(RequestBody.JsonType)
            .WithSummary(
                "A conversation answered twice, as the model does and steered, in JSON lines as it is written; at the end the strongest features of the turn's messages and their projections on directions."
            )
            .Produces<ChatPiece>(200, JsonLineAnswer.ContentType);
        // What the page's script asks: the same, and what was read as the page shows it.
        data.MapPost(
                "/chat/say",
                (Delegate)(
                    async (HttpContext context) =>
                    {
                        var request = await RequestBody.ReadAsync<ChatRequest>(context).ConfigureAwait(false);
                        await JsonLineAnswer
                            .WriteAsync(context, ShownAsync(request, context, context.RequestAborted))
                            .ConfigureAwait(false);
                    }
                )
            )
            .Accepts<ChatRequest>(RequestBody.JsonType)
            .ExcludeFromDescription();
        if (instrument is null)
            return;
        var search = new ChatSearch(instrument, library);
        data.MapGet(
                "/chat/features",
                (string? q, HttpContext context) =>
                    search.Find(q ?? "").Select(one => one with { Html = PathPrefix.Put(context, one.Html) })
            )
            .ExcludeFromDescription();
    }

    private IAsyncEnumerable<ChatPiece> AnswerAsync(ChatRequest request, HttpContext context)
    {
        var prefix = PathPrefix.Of(context);
        return Prefixed(_talk.AnswerAsync(request, ClientAddress.Of(context), context.RequestAborted), prefix, context.RequestAborted);
    }

    private static async IAsyncEnumerable<ChatPiece> Prefixed(
        IAsyncEnumerable<ChatPiece> pieces,
        string prefix,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await foreach (var piece in pieces.WithCancellation(cancellationToken).ConfigureAwait(false))
            yield return piece.Read is not { } read
                ? piece
                : piece with
                {
                    Read = new(Of(read.User)!, Of(read.Normal)!, Of(read.Steered), Of(read.NormalThinking), Of(read.SteeredThinking)),
                };

        MessageReading? Of(MessageReading? one) =>
            one is null ? null : one with { Features = [.. one.Features.Select(feature => feature with { Page = prefix + feature.Page })] };
    }

    private async IAsyncEnumerable<ShownPiece> ShownAsync(
        ChatRequest request,
        HttpContext context,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await foreach (var piece in _talk.AnswerAsync(request, ClientAddress.Of(context), cancellationToken).ConfigureAwait(false))
        {
            if (piece.Read is not { } read)
            {
                yield return new(piece.Kind, piece.Text, piece.Ended, piece.Reason, piece.Along, Thinking: piece.Thinking);
                continue;
            }
            var shown = Shown(read, request.Dictionary);
            yield return new(
                piece.Kind,
                "",
                Html: new Dictionary<string, string>
                {
                    ["user"] = PathPrefix.Put(context, $"{shown.User}"),
                    [ChatPiece.Normal] = PathPrefix.Put(context, $"{shown.Normal}"),
                    [ChatPiece.Steered] = PathPrefix.Put(context, $"{shown.Steered}"),
                    [ChatPiece.NormalThinking] = PathPrefix.Put(context, $"{shown.NormalThinking}"),
                    [ChatPiece.SteeredThinking] = PathPrefix.Put(context, $"{shown.SteeredThinking}"),
                }
            );
        }
    }

    /// <summary>Answers a form, where no script runs.</summary>
    private async Task<IResult> SayAsync(HttpContext context)
    {
        var field = await RequestForm.ReadAsync(context).ConfigureAwait(false);
        var form = new ChatForm { Message = field(ChatForm.MessageField) };
        try
        {
            form = ChatForm.Read(field, directions.Count);
            var request = form.Request(instrument?.Dictionary(form.Dictionary.Length > 0 ? form.Dictionary : null).Name, directions);
            var replies = new Dictionary<string, string> { [ChatPiece.Normal] = "" };
            var thoughts = new Dictionary<string, string>();
            ReadingMarkup? read = null;
            await foreach (var piece in _talk.AnswerAsync(request, ClientAddress.Of(context), context.RequestAborted).ConfigureAwait(false))
            {
                if (piece.Read is { } found)
                    read = Shown(found, request.Dictionary);
                else
                {
                    replies[piece.Kind] = replies.GetValueOrDefault(piece.Kind) + piece.Text;
                    if (piece.Thinking is not null)
                        thoughts[piece.Kind] = thoughts.GetValueOrDefault(piece.Kind) + piece.Thinking;
                }
            }
            ChatExchange said = new(
                form.Message,
                replies[ChatPiece.Normal],
                replies.GetValueOrDefault(ChatPiece.Steered),
                thoughts.GetValueOrDefault(ChatPiece.Normal),
                thoughts.GetValueOrDefault(ChatPiece.Steered)
            );
            return new PageResult(
                View(form with { Message = "" }, [.. form.Turns.Select(turn => new ShownTurn(turn)), new(said, read)], null).Render()
            );
        }
        catch (ArgumentProblemException problem)
        {
            return new PageResult(
                View(form, [.. form.Turns.Select(turn => new ShownTurn(turn))], FieldWords.Describe(problem))
                    .Render(StatusCodes.Status400BadRequest)
            );
        }
    }

    private ReadingMarkup Shown(ChatReading read, string? dictionary) => new(read, instrument?.Dictionary(dictionary), library);

    private ChatView View(ChatForm form, IReadOnlyList<ShownTurn> turns, string? problem) =>
        new(
            new(
                FeatureLinks.ModelName(served.Name),
                _talk.IsTuned,
                _talk.IsTuned ? served.Model.ChatTemplate.Name : null,
                instrument,
                directions,
                library is not null,
                _talk.CanThink
            ),
            form,
            turns,
            problem
        );

    private static string Cut(string message) =>
        message.Length <= ChatRequest.LongestMessage ? message : message[..ChatRequest.LongestMessage];

    /// <summary>A piece as the page's script gets it.</summary>
    private sealed record ShownPiece(
        string Kind,
        string Text,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Ended = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
            IReadOnlyDictionary<string, IReadOnlyList<float>>? Along = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string>? Html = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Thinking = null
    );
}

using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>A text that one feature is tried on.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Text">The text; BOS is put in front.</param>
internal sealed record TestRequest(string Dictionary, int Feature, string Text);

/// <summary>Where a feature fires in a text.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Maximum">Its largest activation at a token that counts.</param>
/// <param name="Tokens">Each token.</param>
internal sealed record TestAnswer(string Dictionary, int Feature, float Maximum, IReadOnlyList<TestedToken> Tokens)
{
    public static TestAnswer Of(string dictionary, Features.TextAnalysis found, int feature)
    {
        if ((uint)feature >= (uint)found.Width)
            throw new ArgumentProblemException($"{feature} is no feature of this dictionary, which has {found.Width}", "feature");
        TestedToken[] tokens =
        [
            .. found.Tokens.Select(token => new TestedToken(
                token.Position,
                token.Id,
                token.Piece,
                token.Counted ? found.Features.Value(token.Position, feature) : 0,
                token.Counted
            )),
        ];
        return new(dictionary, feature, tokens.Max(token => token.Activation), tokens);
    }
}

/// <summary>A token, and how strongly the feature fires there: 0 where nothing counts.</summary>
internal sealed record TestedToken(int Position, int Id, string Piece, float Activation, bool Counted);

/// <summary>What pages do with the model, for programs.</summary>
internal sealed class ApiEndpoints(Instrument instrument)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/api/test", (Delegate)TestAsync)
            .Accepts<TestRequest>(RequestBody.JsonType)
            .WithSummary("Where a feature fires in a text.")
            .Produces<TestAnswer>();
        routes
            .MapPost("/api/steer", (Delegate)SteerAsync)
            .Accepts<SteerRequest>(RequestBody.JsonType)
            .WithSummary(
                "A prompt continued with and without features turned up, down or off: JSON lines, each sent as soon as it is written."
            )
            .Produces<SteeredPiece>(200, JsonLineAnswer.ContentType);
    }

    private async Task<TestAnswer> TestAsync(HttpContext context)
    {
        var request = await RequestBody.ReadAsync<TestRequest>(context).ConfigureAwait(false);
        var found = await instrument.ReadAsync(instrument.Dictionary(request.Dictionary), request.Text, context).ConfigureAwait(false);
        return TestAnswer.Of(request.Dictionary, found, request.Feature);
    }

    /// <summary>JSON lines, each sent as soon as it is there.</summary>
    private async Task SteerAsync(HttpContext context)
    {
        var request = await RequestBody.ReadAsync<SteerRequest>(context).ConfigureAwait(false);
        var dictionary = instrument.Dictionary(request.Dictionary);
        // What cannot be is said before the answer begins.
        instrument.Steering.Check(dictionary, request);
        await JsonLineAnswer
            .WriteAsync(context, instrument.Steering.ContinueAsync(dictionary, request, ClientAddress.Of(context), context.RequestAborted))
            .ConfigureAwait(false);
    }
}

using System.Globalization;
using GemmaScope.Lenses;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>A text read through a lens, as a page at <c>/lens</c> and as JSON: what the model is disposed to say after every layer.</summary>
internal sealed class LensEndpoint(ServerModel served, ModelQueue queue)
{
    /// <summary>Likeliest words of an open cell.</summary>
    private const int Listed = 10;

    // It holds nothing, so that nobody has to let go of it.
    private static readonly LogitLens Logit = new();

    /// <summary>Those of files come first: who has fitted one wants to see it.</summary>
    private IReadOnlyList<Lens> Lenses => [.. served.Lenses, Logit];

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet(PageSection.Lens.Address, ShowAsync);
        data.MapGet("/lens.json", AnswerAsync)
            .WithSummary(
                "A text read through a lens: the likeliest words after every layer at every token, and where the model's answer appears."
            )
            .Produces<LensShowResult>();
    }

    private async Task<IResult> ShowAsync(HttpContext context, [AsParameters] LensQuery query)
    {
        LensShowResult? result = null;
        LensSteerResult? changed = null;
        string? problem = null;
        try
        {
            if (!string.IsNullOrEmpty(query.Text))
            {
                var lens = Chosen(query);
                result = await ReadAsync(context, lens, query).ConfigureAwait(false);
                if (query.Changes)
                {
                    var options = query.Steering();
                    changed = await queue
                        .RunAsync(
                            ClientAddress.Of(context),
                            turn => LensSteerJob.Run(served.Name, served.Model, lens, options, null, turn),
                            context.RequestAborted
                        )
                        .ConfigureAwait(false);
                }
            }
        }
        catch (ArgumentProblemException bad)
        {
            problem = FieldWords.Describe(bad);
        }
        var view = new LensView(served.Name, Lenses, served.Model.Config.Layers, query, result, changed, problem);
        return new PageResult(view.Render(problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest));
    }

    private async Task<IResult> AnswerAsync(HttpContext context, string text, string? lens = null, string? chat = null)
    {
        var query = new LensQuery(text, lens, chat);
        if (text.Length == 0)
            throw new ArgumentProblemException("is empty; give a text", "text");
        var result = await ReadAsync(context, Chosen(query), query).ConfigureAwait(false);
        return Results.Json(result, ResultJson.Compact);
    }

    private Task<LensShowResult> ReadAsync(HttpContext context, Lens lens, LensQuery query)
    {
        var tokens = LensShowJob.Encode(served.Model, query.Checked(), query.IsChat, addBos: true);
        return queue.RunAsync(
            ClientAddress.Of(context),
            turn => LensShowJob.Read(served.Name, served.Model, lens, tokens, Listed, [], [], turn),
            context.RequestAborted
        );
    }

    private Lens Chosen(LensQuery query) =>
        string.IsNullOrEmpty(query.Lens) ? Lenses[0]
        : query.Lens == Logit.Kind ? Logit
        : int.TryParse(query.Lens, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < Lenses.Count
            ? Lenses[number]
        : throw new ArgumentProblemException($"there is no lens '{query.Lens}' here; there are {Lenses.Count}, from 0", "lens");
}

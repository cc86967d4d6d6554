using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Circuits;

/// <summary>The pages of attribution graphs: those of a folder, and any that a user opens from a file.</summary>
/// <param name="shelf">The graphs.</param>
/// <param name="library">What is known of features, or null.</param>
/// <param name="tracer">What makes new ones.</param>
internal sealed class CircuitEndpoints(CircuitShelf shelf, FeatureLibrary? library, CircuitTracer tracer)
{
    /// <summary>Adds the addresses.</summary>
    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet(
            "/circuits",
            () => new PageResult(CircuitView.All([.. shelf.Names().Select(name => (name, Readable(name)))], tracer.CanTrace))
        );
        pages.MapGet(
            "/circuits/{slug}",
            (string slug, bool? embed) => new PageResult(CircuitView.One(slug, Find(slug, ""), embed is true))
        );
        if (tracer.CanTrace)
        {
            pages.MapGroup("").AddEndpointFilter(OwnForms.OnlyAsync).MapPost("/circuits", (Delegate)TraceAsync);
            // Its errors are JSON, for the script that asks.
            data.MapGroup("")
                .AddEndpointFilter(OwnForms.OnlyAsync)
                .MapPost(
                    "/circuits/trace",
                    (Delegate)(
                        async (HttpContext context) =>
                            await JsonLineAnswer
                                .WriteAsync(context, await ReportsAsync(context).ConfigureAwait(false))
                                .ConfigureAwait(false)
                    )
                )
                .ExcludeFromDescription();
        }
        data.MapGet("/circuits.json", shelf.Names).WithSummary("The names of the attribution graphs that this server shows.");
        data.MapGet("/circuits/{slug}.json", Json)
            .WithSummary(
                "An attribution graph in the public form; features that the database knows also have label, density and the address of their card."
            )
            .Produces<object>();
    }

    /// <summary>Traces the text of a form, and leads to the graph.</summary>
    private async Task<IResult> TraceAsync(HttpContext context)
    {
        var page = PageSection.Circuits.Address;
        await foreach (var report in (await ReportsAsync(context).ConfigureAwait(false)).ConfigureAwait(false))
            page = report.Page ?? page;
        return Results.Redirect(page);
    }

    private async Task<IAsyncEnumerable<TraceReport>> ReportsAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        return tracer.TraceAsync($"{form["text"]}", ClientAddress.Of(context), PathPrefix.Of(context), context.RequestAborted);
    }

    private IResult Json(string slug, HttpContext context) =>
        Results.Bytes(JsonSerializer.SerializeToUtf8Bytes(Find(slug, PathPrefix.Of(context))), "application/json; charset=utf-8");

    private GraphDocument Find(string slug, string prefix) =>
        NamedGraph.Of(
            shelf.Find(slug)
                ?? throw new ProblemException(
                    StatusCodes.Status404NotFound,
                    $"There is no graph {slug} here",
                    $"There are {shelf.Names().Count} in the folder that this server shows."
                ),
            library,
            prefix
        );

    private GraphDocument? Readable(string name)
    {
        try
        {
            return shelf.Find(name);
        }
        catch (GemmaScopeException)
        {
            // It has a line of its own, and its page says what is wrong.
            return null;
        }
    }
}

using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Circuits;

/// <summary>The pages of attribution graphs: those of a folder, and any that a user opens from a file.</summary>
/// <param name="shelf">The graphs.</param>
/// <param name="library">What is known of features, or null.</param>
/// <param name="circuits">The model, which tries and traces.</param>
/// <param name="queue">Its queue.</param>
internal sealed class CircuitEndpoints(CircuitShelf shelf, FeatureLibrary? library, CircuitModel circuits, ModelQueue queue)
{
    private const string JsonContent = "application/json; charset=utf-8";

    private readonly CircuitTracer _tracer = new(circuits, queue, shelf);
    private readonly NamedGraphs _named = new(library);

    /// <summary>Adds the addresses that show graphs.</summary>
    /// <param name="pages">Pages.</param>
    /// <param name="data">Data.</param>
    public void MapShown(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet(
            "/circuits",
            ([AsParameters] CircuitQuery query) =>
                new PageResult(CircuitListView.Page(shelf.Summaries(), query, _tracer.CanTrace, circuits))
        );
        pages.MapGet(
            "/circuits/{slug}",
            (string slug, bool? embed, HttpContext context) => new PageResult(One(slug, embed is true, PathPrefix.Of(context)))
        );
        data.MapGet("/circuits.json", shelf.Names).WithSummary("The names of the attribution graphs that this server shows.");
        data.MapGet(
                "/circuits/{slug}/sub",
                (string slug, [AsParameters] GraphSubQuery query, HttpContext context) =>
                    Results.Bytes(
                        JsonSerializer.SerializeToUtf8Bytes(
                            _named.Of(query.Read(shelf.Mapped(slug, always: true) ?? throw Missing(slug)), PathPrefix.Of(context))
                        ),
                        JsonContent
                    )
            )
            .WithSummary(
                "A part of a graph as a graph: its strongest nodes, of some positions or by words, with all edges between them; part says how much of the whole it is."
            )
            .Produces<object>();
        data.MapGet("/circuits/{slug}.json", Json)
            .WithSummary(
                "An attribution graph in the public form; features that the database knows also have label, density and the address of their card."
            )
            .Produces<object>();
    }

    /// <summary>Adds those that make graphs and try things on them, which wait for the model and not for the database.</summary>
    /// <param name="pages">Pages.</param>
    /// <param name="data">Data.</param>
    public void MapTried(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        var forms = pages.MapGroup("").AddEndpointFilter(OwnForms.OnlyAsync);
        if (shelf.IsWritable)
        {
            forms.MapPost("/circuits/{slug}/rename", (Delegate)RenameAsync);
            forms.MapPost("/circuits/{slug}/delete", Delete);
        }
        if (_tracer.CanTrace)
        {
            forms.MapPost("/circuits", (Delegate)TraceAsync);
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
        if (!circuits.HasTranscoders)
            return;
        data.MapPost("/api/circuits/group", (Delegate)GroupAsync)
            .Accepts<GroupRequest>(RequestBody.JsonType)
            .WithSummary(
                "Features of a prompt that fire alike over texts and act alike, tested by turning them off; its progress and the groups, in JSON lines."
            )
            .Produces<GroupReport>(200, JsonLineAnswer.ContentType);
        var intervening = new Intervening(circuits, queue);
        data.MapPost(
                "/api/circuits/intervene",
                (Delegate)(
                    async (HttpContext context) =>
                    {
                        var request = await RequestBody.ReadAsync<InterveneRequest>(context).ConfigureAwait(false);
                        await JsonLineAnswer
                            .WriteAsync(context, intervening.RunAsync(request, ClientAddress.Of(context), context.RequestAborted))
                            .ConfigureAwait(false);
                    }
                )
            )
            .Accepts<InterveneRequest>(RequestBody.JsonType)
            .WithSummary("Features of a prompt turned off, up or down: what is predicted then, and the text, in JSON lines as they come.")
            .Produces<IntervenePiece>(200, JsonLineAnswer.ContentType);
        var attention = new AttentionReader(circuits, queue, library);
        data.MapPost(
                "/api/circuits/attention",
                (Delegate)(
                    async (HttpContext context) =>
                        await attention
                            .ReadAsync(
                                await RequestBody.ReadAsync<AttentionRequest>(context).ConfigureAwait(false),
                                ClientAddress.Of(context),
                                PathPrefix.Of(context),
                                context.RequestAborted
                            )
                            .ConfigureAwait(false)
                )
            )
            .Accepts<AttentionRequest>(RequestBody.JsonType)
            .WithSummary("Where the heads of a layer look in a prompt, and a score as the sum of what made the query and the key.")
            .Produces<AttentionAnswer>();
        var edges = new EdgeReader(circuits, queue);
        data.MapPost(
                "/api/circuits/edge",
                (Delegate)(
                    async (HttpContext context) =>
                        await edges
                            .ReadAsync(
                                await RequestBody.ReadAsync<EdgeRequest>(context).ConfigureAwait(false),
                                ClientAddress.Of(context),
                                context.RequestAborted
                            )
                            .ConfigureAwait(false)
                )
            )
            .Accepts<EdgeRequest>(RequestBody.JsonType)
            .WithSummary("Through which attention heads an edge of a graph came.")
            .Produces<EdgeAnswer>();
    }

    private Page One(string slug, bool embedded, string prefix)
    {
        var whole = shelf.Mapped(slug);
        var graph = whole is null ? Find(slug, prefix) : _named.Of(new GraphSubQuery().Read(whole), prefix);
        return CircuitView.One(slug, graph, whole, embedded, circuits, shelf.IsOwn(slug));
    }

    private async Task GroupAsync(HttpContext context)
    {
        var request = await RequestBody.ReadAsync<GroupRequest>(context).ConfigureAwait(false);
        var tokenizer = circuits.Served.Model.Tokenizer;
        var options = request.Options(
            [.. PromptRequest.Tokens(circuits.Served, request.Text, request.Tokens).Select(tokenizer.Display)],
            circuits
        );
        options.Check();
        await JsonLineAnswer
            .WriteAsync(
                context,
                WatchedWork.RunAsync(
                    queue,
                    ClientAddress.Of(context),
                    async (progress, stop) =>
                    {
                        try
                        {
                            var found = await CircuitSupernodesJob
                                .RunAsync(circuits.Served.Microscope, options, progress, stop)
                                .ConfigureAwait(false);
                            return new GroupReport(Found: found);
                        }
                        catch (GemmaScopeException problem)
                        {
                            // The answer has begun by now.
                            return new GroupReport(Problem: problem.Message);
                        }
                    },
                    GroupReport.Of,
                    last => last,
                    context.RequestAborted
                )
            )
            .ConfigureAwait(false);
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
        var form = await RequestForm.ReadAsync(context).ConfigureAwait(false);
        return _tracer.TraceAsync(form("text"), ClientAddress.Of(context), PathPrefix.Of(context), context.RequestAborted);
    }

    private async Task<IResult> RenameAsync(string slug, HttpContext context)
    {
        var form = await RequestForm.ReadAsync(context).ConfigureAwait(false);
        _ = Existing(slug);
        return Results.Redirect(PathPrefix.Of(context) + CircuitView.Address(shelf.Rename(slug, form("name"))));
    }

    private IResult Delete(string slug, HttpContext context)
    {
        if (!shelf.Names().Contains(slug))
            throw Missing(slug);
        shelf.Remove(slug);
        return Results.Redirect(PathPrefix.Of(context) + PageSection.Circuits.Address);
    }

    private IResult Json(string slug, HttpContext context) =>
        Results.Bytes(JsonSerializer.SerializeToUtf8Bytes(Find(slug, PathPrefix.Of(context))), JsonContent);

    private GraphDocument Find(string slug, string prefix) => _named.Of(Existing(slug), prefix);

    private GraphDocument Existing(string slug) => shelf.Find(slug) ?? throw Missing(slug);

    private ProblemException Missing(string slug) =>
        new(
            StatusCodes.Status404NotFound,
            $"There is no graph {slug} here",
            $"There are {shelf.Names().Count} in the folder that this server shows."
        );
}

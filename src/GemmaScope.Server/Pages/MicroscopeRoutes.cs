using GemmaScope.Features;
using GemmaScope.Server.Chat;
using GemmaScope.Server.Circuits;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Studies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace GemmaScope.Server.Pages;

/// <summary>The addresses of the microscope and of the features in the database.</summary>
internal static class MicroscopeRoutes
{
    /// <summary>Adds what can be shown: features where there is a database, the microscope where there are dictionaries.</summary>
    /// <param name="app">A server with the services of
    /// <see cref="ServerHost.StartAsync(ServerModel, ServerOptions, Action{WebApplication}, CancellationToken)"/>.</param>
    public static void Map(WebApplication app)
    {
        var served = app.Services.GetRequiredService<ServerModel>();
        app.MapGet("/assets/{name}", (string name, HttpContext context) => Asset(name, context)).ExcludeFromDescription();
        // Pages answer what goes wrong with a page, data with a problem in JSON; only data is described to programs.
        var pages = app.MapGroup("").AddEndpointFilter(PageResult.GuardAsync).ExcludeFromDescription();
        var data = app.MapGroup("").WithTags("microscope");
        var (sections, titles) = (app.Services.GetRequiredService<PageSections>(), app.Services.GetRequiredService<TitleBook>());
        var instrument =
            served.Dictionaries.Count > 0 ? new Instrument(served, app.Services.GetRequiredService<ModelQueue>(), titles) : null;
        var library = served.Features is { } database ? new FeatureLibrary(database, titles) : null;
        if (instrument is not null)
        {
            sections.Add(PageSection.Microscope);
            new MicroscopeEndpoint(instrument, library).Map(pages, data);
            new ApiEndpoints(instrument).Map(data);
        }
        else if (served.Features is not null)
            pages.MapGet("/", () => Results.Redirect("~" + PageSection.Map.Address));
        var gate = app.Services.GetRequiredService<ReadGate>();
        if (library is not null || instrument is not null)
        {
            sections.Add(PageSection.Map);
            new MapEndpoint(library, instrument).Map(Gated(pages, gate), Gated(data, gate));
        }
        var options = app.Services.GetRequiredService<ServerOptions>();
        var circuits = new CircuitEndpoints(
            new CircuitShelf(options.Circuits, options.MoreCircuits),
            library,
            app.Services.GetRequiredService<CircuitModel>(),
            app.Services.GetRequiredService<ModelQueue>()
        );
        if (options.Circuits is not null || options.MoreCircuits.Count > 0)
        {
            sections.Add(PageSection.Circuits);
            circuits.MapShown(Gated(pages, gate), Gated(data, gate));
        }
        circuits.MapTried(pages, data);
        sections.Add(PageSection.Lens);
        new LensEndpoint(served, app.Services.GetRequiredService<ModelQueue>()).Map(pages, data);
        // A guard alone is there to judge, not to talk.
        var chats = instrument is not null || options.Directions.Count > 0 || !IsGuard(served);
        if (chats)
        {
            sections.Add(PageSection.Chat);
            new ChatEndpoints(
                served,
                app.Services.GetRequiredService<ModelQueue>(),
                instrument,
                library,
                ServedDirection.Named(options.Directions)
            ).Map(pages, data);
        }
        if (options.Studies.Count > 0)
        {
            sections.Add(PageSection.Studies);
            new StudyEndpoints(new StudyShelf(options.Studies), chats, instrument is not null).Map(Gated(pages, gate), Gated(data, gate));
        }
        if (library is null)
        {
            // The microscope leads there, and a person should be told why there is nothing.
            foreach (var address in (string[])["/search", "/lists"])
                pages.MapGet(
                    address,
                    () =>
                        PageResult.Problem(
                            StatusCodes.Status404NotFound,
                            "There is no database of features here",
                            "Build the features of a dictionary into one, and start the server with it."
                        )
                );
            return;
        }
        sections.Add(PageSection.Lists);
        sections.Search = true;
        new FeatureEndpoints(library, instrument).Map(pages, data, Gated(pages, gate), Gated(data, gate));
        new SearchEndpoint(library, instrument).Map(Gated(pages, gate), Gated(data, gate));
        new ListEndpoints(library).Map(pages, data);
    }

    private static bool IsGuard(ServerModel served) => served.Name.Contains("shieldgemma", StringComparison.OrdinalIgnoreCase);

    private static RouteGroupBuilder Gated(RouteGroupBuilder routes, ReadGate gate) =>
        routes.MapGroup("").AddEndpointFilter(gate.PassAsync);

    private static IResult Asset(string name, HttpContext context)
    {
        if (PageAssets.Find(name) is not { } asset)
            return Results.NotFound();
        var (bytes, coding) = asset.For(context.Request.Headers.AcceptEncoding);
        if (coding is not null)
            context.Response.Headers.ContentEncoding = coding;
        context.Response.Headers.Vary = "Accept-Encoding";
        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Bytes(bytes, asset.Type);
    }
}

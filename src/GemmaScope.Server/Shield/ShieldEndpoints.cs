using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Shield;

/// <summary>The guard as a service within a program of one's own.</summary>
public static class ShieldEndpoints
{
    /// <summary>Adds <c>POST /v1/shield</c>, <c>GET /v1/shield/policies</c> and <c>POST /v1/moderations</c>, which answer as those of
    /// <see cref="ServerHost"/> do. Who may ask is the program's matter.</summary>
    /// <param name="routes">Where they are added.</param>
    /// <param name="shield">The guard.</param>
    /// <param name="model">The model's name in answers.</param>
    /// <returns>The group of the three, for conventions of one's own.</returns>
    public static RouteGroupBuilder MapShield(this IEndpointRouteBuilder routes, ShieldService shield, string model = "shieldgemma")
    {
        var group = routes.MapGroup("");
        group.AddEndpointFilter(AnswerAsync);
        new ShieldRoutes(shield, model, []).Map(group);
        return group;
    }

    /// <summary>What goes wrong becomes a problem in JSON.</summary>
    private static async ValueTask<object?> AnswerAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context).ConfigureAwait(false);
        }
        catch (Exception problem)
            when (!context.HttpContext.RequestAborted.IsCancellationRequested && Problems.Find(context.HttpContext, problem) is { } known)
        {
            return Results.Json(ProblemAnswer.Of(known), ResultJson.Compact, Problems.ProblemType, known.Status);
        }
    }
}

using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Shield;

/// <summary>What becomes of a request that the guard cannot judge: its queue is full, its time over, or the model failed.</summary>
public enum WhenUnavailable
{
    /// <summary>It is answered 503: nothing unjudged comes through, and an overload of the guard is one of the endpoint.</summary>
    Refuse,

    /// <summary>It goes on, unjudged.</summary>
    LetPass,
}

/// <summary>Guards an endpoint of one's own program: a request whose text violates a policy is answered 422 and never reaches it.</summary>
/// <param name="shield">The guard.</param>
/// <param name="text">Where the text is; null for a request without one.</param>
/// <param name="whenUnavailable">Fail closed or open.</param>
public sealed class GuardFilter(
    ShieldService shield,
    Func<EndpointFilterInvocationContext, string?> text,
    WhenUnavailable whenUnavailable = WhenUnavailable.Refuse
) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        if (text(context) is not { Length: > 0 } written)
            return await next(context).ConfigureAwait(false);
        var request = context.HttpContext;
        ShieldVerdict? verdict = null;
        try
        {
            verdict = (
                await shield.JudgeAsync(ClientAddress.Of(request), [shield.Prepare(written)], request.RequestAborted).ConfigureAwait(false)
            )[0];
        }
        // A text too long to be judged is no outage: it would be a way round a guard that lets pass.
        catch (ArgumentProblemException problem)
        {
            return Results.Problem(FieldWords.Describe(problem), statusCode: StatusCodes.Status413PayloadTooLarge);
        }
        catch (Exception) when (!request.RequestAborted.IsCancellationRequested)
        {
            if (whenUnavailable == WhenUnavailable.Refuse)
                return Results.Problem("the guard is not available", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        return verdict is { IsViolated: true }
            ? Results.Problem(
                $"the text violates {string.Join(", ", verdict.Scores.Where(score => score.IsViolated).Select(score => score.Policy.Key))}",
                statusCode: StatusCodes.Status422UnprocessableEntity
            )
            : await next(context).ConfigureAwait(false);
    }
}

/// <summary>Puts the guard before endpoints.</summary>
public static class GuardExtensions
{
    /// <summary>Guards an endpoint; see <see cref="GuardFilter"/>.</summary>
    public static RouteHandlerBuilder GuardedBy(
        this RouteHandlerBuilder route,
        ShieldService shield,
        Func<EndpointFilterInvocationContext, string?> text,
        WhenUnavailable whenUnavailable = WhenUnavailable.Refuse
    ) => route.AddEndpointFilter(new GuardFilter(shield, text, whenUnavailable));

    /// <summary>Guards an endpoint whose text is in an argument of this type, such as its body; a request without one goes on.</summary>
    /// <typeparam name="T">The type of the argument.</typeparam>
    /// <param name="route">The endpoint.</param>
    /// <param name="shield">The guard.</param>
    /// <param name="text">Where the text is in it; null for none.</param>
    /// <param name="whenUnavailable">Fail closed or open.</param>
    public static RouteHandlerBuilder GuardedBy<T>(
        this RouteHandlerBuilder route,
        ShieldService shield,
        Func<T, string?> text,
        WhenUnavailable whenUnavailable = WhenUnavailable.Refuse
    ) => route.GuardedBy(shield, call => call.Arguments.OfType<T>().Select(text).FirstOrDefault(), whenUnavailable);
}

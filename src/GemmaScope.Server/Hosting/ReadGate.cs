using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// Before what reads much of the database: so many at once, of which one client has half at most, and the rest waits. A reading keeps a
/// thread until it is done; a few clients that search would else leave none for anybody.
/// </summary>
/// <param name="queue">Requests of a client that may wait.</param>
/// <param name="limit">How long one may wait.</param>
/// <param name="most">Readings at once.</param>
internal sealed class ReadGate(int queue, TimeSpan limit, int most) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext> _limits = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<HttpContext, string>(context =>
            RateLimitPartition.GetConcurrencyLimiter(ClientAddress.Of(context), _ => Of(Math.Max(1, most / 2), queue))
        ),
        // Of each client no more than its share comes here.
        PartitionedRateLimiter.Create<HttpContext, string>(_ => RateLimitPartition.GetConcurrencyLimiter("", _ => Of(most, int.MaxValue)))
    );

    /// <summary>An endpoint filter.</summary>
    public async ValueTask<object?> PassAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.HttpContext.RequestAborted);
        ending.CancelAfter(limit);
        RateLimitLease? acquired = null;
        try
        {
            acquired = await _limits.AcquireAsync(context.HttpContext, 1, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!context.HttpContext.RequestAborted.IsCancellationRequested)
        {
            throw new TimeOverException(limit);
        }
        using var lease = acquired;
        return lease.IsAcquired
            ? await next(context).ConfigureAwait(false)
            : throw new QueueFullException(queue, TimeSpan.FromSeconds(1), "the database");
    }

    public void Dispose() => _limits.Dispose();

    private static ConcurrencyLimiterOptions Of(int most, int waiting) =>
        new()
        {
            PermitLimit = most,
            QueueLimit = waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
}

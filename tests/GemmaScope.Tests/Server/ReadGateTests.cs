using System.Net;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace GemmaScope.Tests.Server;

public class ReadGateTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task one_client_has_half_of_the_readings_and_others_come_past_those_that_wait()
    {
        using var gate = new ReadGate(queue: 2, Long, most: 2);
        TaskCompletionSource first = new(),
            open = new();
        var running = Pass(gate, "192.0.2.1", first.Task);
        Task[] waiting = [Pass(gate, "192.0.2.1", open.Task), Pass(gate, "192.0.2.1", open.Task)];
        Assert.Equal(0, _begun - 1);
        await Assert.ThrowsAsync<QueueFullException>(() => Pass(gate, "192.0.2.1", open.Task));
        await Pass(gate, "192.0.2.2", Task.CompletedTask);
        Assert.Equal(2, _begun);
        first.SetResult();
        open.SetResult();
        await Task.WhenAll([running, .. waiting]);
        Assert.Equal(4, _begun);
    }

    [Fact]
    public async Task what_waits_too_long_or_for_nobody_is_not_begun()
    {
        using var gate = new ReadGate(queue: 2, TimeSpan.FromMilliseconds(20), most: 2);
        var open = new TaskCompletionSource();
        var running = Pass(gate, "192.0.2.1", open.Task);
        await Assert.ThrowsAsync<TimeOverException>(() => Pass(gate, "192.0.2.1", open.Task));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Pass(gate, "192.0.2.1", open.Task, new(canceled: true)));
        Assert.Equal(1, _begun);
        open.SetResult();
        await running;
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::")]
    [InlineData("::1", "::1")]
    public void a_client_is_an_address_and_of_ipv6_a_network(string address, string source) =>
        Assert.Equal(source, ClientAddress.Of(Context(address)));

    private int _begun;

    private Task<object?> Pass(ReadGate gate, string address, Task work, CancellationToken cancellationToken = default)
    {
        var context = Context(address);
        context.RequestAborted = cancellationToken;
        return gate.PassAsync(
                EndpointFilterInvocationContext.Create(context),
                async _ =>
                {
                    Interlocked.Increment(ref _begun);
                    await work;
                    return null;
                }
            )
            .AsTask();
    }

    private static DefaultHttpContext Context(string address) => new() { Connection = { RemoteIpAddress = IPAddress.Parse(address) } };
}

using GemmaScope.Server.Hosting;
using Xunit;

namespace GemmaScope.Tests.Server;

public class LongWorkTests
{
    [Fact]
    public async Task others_have_the_model_between_the_steps_of_long_work()
    {
        using var queue = new ModelQueue(8, Patience.Limit);
        var order = new List<string>();
        var told = await LongWork.RunAsync(
            queue,
            "long",
            async (turns, _) =>
            {
                order.Add("first step");
                var other = queue.RunAsync(
                    "other",
                    _ =>
                    {
                        order.Add("other");
                        return true;
                    },
                    CancellationToken.None
                );
                turns.GiveWay();
                order.Add("second step");
                return await other ? "done" : "";
            },
            CancellationToken.None
        );
        Assert.Equal("done", told);
        Assert.Equal(["first step", "other", "second step"], order);
    }

    [Fact]
    public async Task work_that_is_stopped_leaves_the_model_only_when_it_has_ended()
    {
        using var queue = new ModelQueue(8, Patience.Limit);
        using var stop = new CancellationTokenSource();
        var ended = false;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            LongWork.RunAsync<bool>(
                queue,
                "long",
                (turns, token) =>
                {
                    turns.GiveWay();
                    stop.Cancel();
                    // It hears of it here.
                    token.WaitHandle.WaitOne(Patience.Limit);
                    ended = token.IsCancellationRequested;
                    token.ThrowIfCancellationRequested();
                    return Task.FromResult(true);
                },
                stop.Token
            )
        );
        Assert.True(ended);
        Assert.True(await queue.RunAsync("other", _ => true, CancellationToken.None));
    }

    [Fact]
    public async Task what_fails_is_told_and_the_model_is_free_again()
    {
        using var queue = new ModelQueue(8, Patience.Limit);
        await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            LongWork.RunAsync<bool>(queue, "long", (_, _) => throw new ArgumentProblemException("is wrong", "it"), CancellationToken.None)
        );
        Assert.True(await queue.RunAsync("other", _ => true, CancellationToken.None));
    }
}

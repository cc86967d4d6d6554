using GemmaScope.Server.Hosting;
using Xunit;

namespace GemmaScope.Tests.Server;

public sealed class ModelQueueTests : IDisposable
{
    private static readonly TimeSpan Long = Patience.Limit;

    private readonly ServerMetrics _metrics = new();
    private readonly ManualResetEventSlim _gate = new();

    public void Dispose()
    {
        _gate.Set();
        _metrics.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public async Task sources_take_turns()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        var order = new List<string>();
        var running = Block(queue);
        Task[] all =
        [
            .. ((string[])["a1", "a2", "a3", "b1", "c1", "b2"]).Select(name =>
                queue.RunAsync(
                    name[..1],
                    _ =>
                    {
                        order.Add(name);
                        return 0;
                    },
                    default
                )
            ),
        ];
        Assert.Equal(6, queue.Length);
        _gate.Set();
        await Task.WhenAll([running, .. all]);
        Assert.Equal(["a1", "b1", "c1", "a2", "b2", "a3"], order);
    }

    [Fact]
    public async Task what_waits_of_one_batch_is_done_together_up_to_its_cost()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        var sizes = new List<int>();
        var batch = new ModelBatch<int, int>(
            (items, _) =>
            {
                sizes.Add(items.Count);
                return [.. items.Select(item => item * 10)];
            },
            item => item,
            most: 6
        );
        var running = Block(queue);
        Task<int>[] all = [.. ((int[])[1, 2, 3, 4, 5, 9]).Select((item, i) => queue.RunAsync($"{i % 2}", batch, item, default))];
        _gate.Set();
        await running;
        var results = await Task.WhenAll(all);
        Assert.Equal([10, 20, 30, 40, 50, 90], results);
        Assert.Equal([3, 1, 1, 1], sizes);
    }

    [Fact]
    public async Task a_full_queue_refuses_and_says_when_to_come_back()
    {
        using var queue = new ModelQueue(2, Long, _metrics);
        var running = Block(queue);
        Task<int>[] waiting = [queue.RunAsync("a", _ => 1, default), queue.RunAsync("b", _ => 2, default)];
        var refused = await Assert.ThrowsAsync<QueueFullException>(() => queue.RunAsync("c", _ => 3, default));
        Assert.InRange(refused.RetryAfter.TotalSeconds, 1, 60);
        _gate.Set();
        await running;
        var results = await Task.WhenAll(waiting);
        Assert.Equal([1, 2], results);
        Assert.Equal(4, await queue.RunAsync("c", _ => 4, default));
    }

    [Fact]
    public async Task of_a_full_queue_the_source_with_most_gives_room_to_others_until_all_have_as_much()
    {
        using var queue = new ModelQueue(4, Long, _metrics);
        var running = Block(queue);
        Task<int>[] greedy = [.. Enumerable.Range(0, 4).Select(i => queue.RunAsync("greedy", _ => i, default))];
        // Whoever has filled the queue finds it full.
        await Assert.ThrowsAsync<QueueFullException>(() => queue.RunAsync("greedy", _ => 9, default));
        Task<int>[] others = [queue.RunAsync("b", _ => 10, default), queue.RunAsync("c", _ => 11, default)];
        // What came last has given way.
        await Assert.ThrowsAsync<QueueFullException>(() => greedy[3]);
        await Assert.ThrowsAsync<QueueFullException>(() => greedy[2]);
        Assert.Equal(4, queue.Length);
        // Now a second piece of b would leave it with more than greedy keeps, and a newcomer takes one of two.
        await Assert.ThrowsAsync<QueueFullException>(() => queue.RunAsync("b", _ => 12, default));
        var last = queue.RunAsync("d", _ => 13, default);
        await Assert.ThrowsAsync<QueueFullException>(() => greedy[1]);
        await Assert.ThrowsAsync<QueueFullException>(() => queue.RunAsync("e", _ => 14, default));
        _gate.Set();
        await running;
        var done = await Task.WhenAll([greedy[0], .. others, last]);
        Assert.Equal([0, 10, 11, 13], done);
    }

    [Fact]
    public async Task what_is_not_in_order_before_a_run_is_told_to_whoever_waits_for_it()
    {
        var broken = false;
        using var queue = new ModelQueue(4, Long, _metrics, () => _ = broken ? throw new InvalidOperationException("broken") : 0);
        Assert.Equal(1, await queue.RunAsync("a", _ => 1, default));
        broken = true;
        await Assert.ThrowsAsync<InvalidOperationException>(() => queue.RunAsync("a", _ => 2, default));
        broken = false;
        Assert.Equal(3, await queue.RunAsync("a", _ => 3, default));
    }

    [Fact]
    public async Task work_whose_client_went_away_leaves_the_queue_at_once_and_never_runs()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        using var client = new CancellationTokenSource();
        var (running, ran) = (Block(queue), false);
        var waiting = queue.RunAsync("a", _ => ran = true, client.Token);
        Assert.Equal(1, queue.Length);
        client.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, queue.Length);
        _gate.Set();
        await running;
        Assert.False(ran);
    }

    [Fact]
    public async Task work_done_together_stops_only_when_all_its_clients_are_gone()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        using CancellationTokenSource first = new(),
            second = new();
        using ManualResetEventSlim begun = new(),
            oneIsGone = new(),
            seen = new();
        var (goesOn, stopped) = (false, false);
        var batch = new ModelBatch<int, int>(
            (items, cancellationToken) =>
            {
                begun.Set();
                oneIsGone.Wait(CancellationToken.None);
                goesOn = !cancellationToken.IsCancellationRequested;
                seen.Set();
                stopped = cancellationToken.WaitHandle.WaitOne(Long);
                cancellationToken.ThrowIfCancellationRequested();
                return items;
            },
            _ => 1,
            most: 10
        );
        var running = Block(queue);
        Task<int>[] both = [queue.RunAsync("a", batch, 1, first.Token), queue.RunAsync("b", batch, 2, second.Token)];
        _gate.Set();
        await running;
        begun.Wait(CancellationToken.None);
        first.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => both[0]);
        oneIsGone.Set();
        seen.Wait(CancellationToken.None);
        second.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => both[1]);
        Assert.Equal(5, await queue.RunAsync("a", _ => 5, default));
        Assert.True(goesOn && stopped);
    }

    [Fact]
    public async Task work_that_takes_too_long_is_stopped_and_what_waits_too_long_never_runs()
    {
        using var queue = new ModelQueue(100, TimeSpan.FromMilliseconds(100), _metrics);
        var ran = false;
        var running = queue.RunAsync(
            "a",
            cancellationToken =>
            {
                cancellationToken.WaitHandle.WaitOne();
                // Work that ends as if nothing were may still be in time.
                cancellationToken.ThrowIfCancellationRequested();
                return true;
            },
            default
        );
        var waiting = queue.RunAsync("b", _ => ran = true, default);
        await Assert.ThrowsAsync<TimeOverException>(() => running);
        // Its own time may be over just before or after the first's work ends.
        if (await Record.ExceptionAsync(() => waiting) is { } problem)
        {
            Assert.IsType<TimeOverException>(problem);
            Assert.False(ran);
        }
    }

    [Fact]
    public async Task work_that_fails_is_told_to_its_caller_and_leaves_the_queue_working()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        await Assert.ThrowsAsync<InvalidDataException>(() => queue.RunAsync<int>("a", _ => throw new InvalidDataException(), default));
        Assert.Equal(7, await queue.RunAsync("a", _ => 7, default));
    }

    [Fact]
    public async Task ending_the_queue_cancels_what_waits_and_what_runs()
    {
        var queue = new ModelQueue(100, Long, _metrics);
        var running = queue.RunAsync(
            "a",
            cancellationToken =>
            {
                cancellationToken.WaitHandle.WaitOne();
                cancellationToken.ThrowIfCancellationRequested();
                return 0;
            },
            default
        );
        var waiting = queue.RunAsync("b", _ => 0, default);
        queue.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.RunAsync("c", _ => 0, default));
    }

    [Fact]
    public async Task of_work_done_together_that_fails_each_piece_is_done_again_alone_and_only_the_guilty_is_told()
    {
        using var queue = new ModelQueue(100, Long, _metrics);
        var sizes = new List<int>();
        var batch = new ModelBatch<int, int>(
            (items, _) =>
            {
                sizes.Add(items.Count);
                return items.Contains(13) ? throw new InvalidDataException("13") : [.. items.Select(item => item * 10)];
            },
            _ => 1,
            most: 10
        );
        var running = Block(queue);
        Task<int>[] all = [.. ((int[])[1, 13, 3]).Select((item, i) => queue.RunAsync($"{i}", batch, item, default))];
        _gate.Set();
        await running;
        Assert.Equal((10, 30), (await all[0], await all[2]));
        await Assert.ThrowsAsync<InvalidDataException>(() => all[1]);
        Assert.Equal([3, 1, 1, 1], sizes);
    }

    [Fact]
    public async Task where_several_ask_the_first_waits_for_the_next_and_who_asks_alone_waits_for_nobody()
    {
        // Whoever waited for company in vain would wait beyond the limit of the test.
        using var queue = new ModelQueue(100, Long, _metrics, company: 2 * Long);
        var sizes = new List<int>();
        var batch = new ModelBatch<int, int>(
            (items, _) =>
            {
                sizes.Add(items.Count);
                return items;
            },
            _ => 1,
            most: 10
        );
        Assert.Equal(1, await queue.RunAsync("a", batch, 1, default));
        Assert.Equal(2, await queue.RunAsync("a", batch, 2, default));
        var running = Block(queue);
        Task<int>[] both = [queue.RunAsync("a", batch, 3, default), queue.RunAsync("b", batch, 4, default)];
        _gate.Set();
        await running;
        await Task.WhenAll(both);
        Task<int>[] again = [queue.RunAsync("a", batch, 7, default), queue.RunAsync("b", batch, 8, default)];
        Assert.Equal((7, 8), (await again[0], await again[1]));
        var first = queue.RunAsync("a", batch, 5, default);
        Patience.Until(() => queue.Length == 0, "the first to be taken");
        Assert.False(first.IsCompleted);
        // What is of another kind is not kept waiting either.
        Assert.Equal(6, await queue.RunAsync("b", _ => 6, default));
        Assert.Equal(5, await first);
        Assert.Equal([1, 1, 2, 2, 1], sizes);
    }

    /// <summary>Work that runs until the gate opens, so that what comes after it waits.</summary>
    private Task<int> Block(ModelQueue queue)
    {
        var begun = new ManualResetEventSlim();
        var running = queue.RunAsync(
            "gate",
            cancellationToken =>
            {
                begun.Set();
                _gate.Wait(cancellationToken);
                return 0;
            },
            default
        );
        begun.Wait();
        return running;
    }
}

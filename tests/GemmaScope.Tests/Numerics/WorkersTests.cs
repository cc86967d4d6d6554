using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public unsafe class WorkersTests
{
    private readonly record struct Count(int[] Calls) : IJob
    {
        public void Run(int index) => Interlocked.Increment(ref Calls[index]);
    }

    private readonly record struct Nested(int[] Calls) : IJob
    {
        public void Run(int index) => Workers.For(Calls.Length, new Count(Calls));
    }

    private readonly record struct FailAt(int Bad) : IJob
    {
        public void Run(int index)
        {
            if (index == Bad)
                throw new InvalidOperationException("part 7");
        }
    }

    [Fact]
    public void every_index_runs_once_in_many_loops_of_many_sizes()
    {
        var random = new Random(3);
        for (var loop = 0; loop < 3000; loop++)
        {
            var calls = new int[random.Next(40)];
            Workers.For(calls.Length, new Count(calls));
            Assert.True(calls.All(n => n == 1), $"loop {loop}: {string.Join(' ', calls)}");
            if (loop % 1000 == 0)
                Thread.Sleep(5); // long enough for the helpers to park
        }
    }

    [Fact]
    public void a_loop_inside_a_loop_runs_whole()
    {
        var calls = new int[5];
        Workers.For(100, new Nested(calls));
        Assert.All(calls, n => Assert.Equal(100, n));
    }

    [Fact]
    public void threads_of_the_application_may_loop_at_the_same_time()
    {
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(every_index_runs_once_in_many_loops_of_many_sizes)).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => Assert.True(t.Join(TimeSpan.FromSeconds(60))));
    }

    [Fact]
    public void the_first_exception_reaches_the_caller_and_the_team_goes_on()
    {
        for (var i = 0; i < 200; i++)
            Assert.Equal("part 7", Assert.Throws<InvalidOperationException>(() => Workers.For(64, new FailAt(7))).Message);
        var calls = new int[64];
        Workers.For(64, new Count(calls));
        Assert.All(calls, n => Assert.Equal(1, n));
    }

    [Fact]
    public void a_loop_allocates_nothing()
    {
        var calls = new int[8];
        Workers.For(8, new Count(calls));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Workers.For(8, new Count(calls));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void the_number_of_threads_is_read_from_the_environment_and_checked()
    {
        Assert.Equal(Environment.ProcessorCount, Workers.ReadCount(null));
        Assert.Equal(3, Workers.ReadCount("3"));
        Assert.Contains(Workers.ThreadsVariable, Assert.Throws<ArgumentProblemException>(() => Workers.ReadCount("many")).Message);
        Assert.Throws<ArgumentProblemException>(() => Workers.ReadCount("0"));
    }
}

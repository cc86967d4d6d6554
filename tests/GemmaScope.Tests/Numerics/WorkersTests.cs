using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public class WorkersTests
{
    private const int Callers = 40;
    private static readonly TimeSpan Long = Patience.Limit;

    // More threads than this machine has processors, so that they are held up in all places.
    private static readonly WorkerTeam Team = new(5);

    private readonly record struct Count(int[] Calls) : IJob
    {
        public void Run(int index) => Interlocked.Increment(ref Calls[index]);
    }

    private readonly record struct Nested(int[] Calls) : IJob
    {
        public void Run(int index) => Team.For(Calls.Length, new Count(Calls));
    }

    private readonly record struct FailAt(int Bad) : IJob
    {
        public void Run(int index)
        {
            if (index == Bad)
                throw new InvalidOperationException($"part {Bad}");
        }
    }

    /// <summary>Each part waits until all of them are being done.</summary>
    private readonly record struct Meet(Barrier Barrier) : IJob
    {
        public void Run(int index)
        {
            if (!Barrier.SignalAndWait(Long))
                throw new TimeoutException("the others did not come");
        }
    }

    /// <summary>The caller waits, helpers do not.</summary>
    // Helpers wait for the caller: they would else be done with all parts before it has taken one.
    private readonly record struct Hold(Thread Caller, ManualResetEventSlim Held, ManualResetEventSlim Go) : IJob
    {
        public void Run(int index)
        {
            if (Thread.CurrentThread != Caller)
            {
                Held.Wait(Long);
                return;
            }
            Held.Set();
            Go.Wait(Long);
        }
    }

    [Fact]
    public void every_index_runs_once_in_many_loops_of_many_sizes() => ManyLoops(Team, 3, 3000);

    [Fact]
    public void threads_of_the_application_may_loop_at_the_same_time() => Together(Callers, caller => ManyLoops(Team, caller, 500));

    [Fact]
    public void loops_that_are_open_at_the_same_time_share_the_helpers()
    {
        var team = new WorkerTeam(4);
        using var barrier = new Barrier(4);
        Together(2, _ => team.For(2, new Meet(barrier)));
    }

    [Fact]
    public void a_helper_that_sleeps_comes_when_there_is_room_for_it()
    {
        var team = new WorkerTeam(2);
        using ManualResetEventSlim held = new(),
            go = new();
        using var barrier = new Barrier(2);
        var first = Start(() => team.For(1000, new Hold(Thread.CurrentThread, held, go)));
        Assert.True(held.Wait(Long));
        Patience.Until(() => team.Asleep == 1, "a helper that sleeps");
        // Both callers have a thread of their own and there may be two: the helper stays away until the first is done.
        var second = Start(() => team.For(2, new Meet(barrier)));
        Patience.Until(() => barrier.ParticipantsRemaining == 1, "the second caller");
        go.Set();
        Assert.True(first.Join(Long) && second.Join(Long));
        Assert.Equal(1, barrier.CurrentPhaseNumber);
    }

    [Fact]
    public void a_loop_inside_a_loop_runs_whole()
    {
        var calls = new int[5];
        Team.For(100, new Nested(calls));
        Assert.All(calls, n => Assert.Equal(100, n));
    }

    [Fact]
    public void the_first_exception_reaches_its_caller_alone_and_the_team_goes_on() =>
        Together(
            Callers,
            caller =>
            {
                for (var i = 0; i < 100; i++)
                {
                    var failure = Assert.Throws<InvalidOperationException>(() => Team.For(Callers + 1, new FailAt(caller)));
                    Assert.Equal($"part {caller}", failure.Message);
                    var calls = new int[64];
                    Team.For(64, new Count(calls));
                    Assert.All(calls, n => Assert.Equal(1, n));
                }
            }
        );

    [Fact]
    public void a_loop_allocates_nothing()
    {
        var calls = new int[8];
        Team.For(8, new Count(calls));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Team.For(8, new Count(calls));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void a_team_of_one_does_all_by_itself() => ManyLoops(new WorkerTeam(1), 5, 100);

    [Fact]
    public void the_team_of_the_process_has_as_many_threads_as_the_environment_says()
    {
        var calls = new int[100];
        Workers.For(calls.Length, new Count(calls));
        Assert.All(calls, n => Assert.Equal(1, n));
        Assert.Equal(Environment.ProcessorCount, Workers.ReadCount(null));
        Assert.Equal(3, Workers.ReadCount("3"));
        Assert.Contains(Workers.ThreadsVariable, Assert.Throws<ArgumentProblemException>(() => Workers.ReadCount("many")).Message);
        Assert.Throws<ArgumentProblemException>(() => Workers.ReadCount("0"));
    }

    private static void ManyLoops(WorkerTeam team, int seed, int loops)
    {
        var random = new Random(seed);
        for (var loop = 0; loop < loops; loop++)
        {
            var calls = new int[random.Next(40)];
            team.For(calls.Length, new Count(calls));
            Assert.True(calls.All(n => n == 1), $"loop {loop}: {string.Join(' ', calls)}");
        }
    }

    /// <summary>Does it on as many threads at once, and fails where one of them did.</summary>
    private static void Together(int threads, Action<int> action)
    {
        var done = 0;
        Exception? failure = null;
        Thread[] all =
        [
            .. Enumerable
                .Range(0, threads)
                .Select(caller =>
                    Start(() =>
                    {
                        try
                        {
                            action(caller);
                            Interlocked.Increment(ref done);
                        }
                        catch (Exception problem)
                        {
                            failure = problem;
                        }
                    })
                ),
        ];
        Assert.All(all, thread => Assert.True(thread.Join(Long)));
        Assert.Null(failure);
        Assert.Equal(threads, done);
    }

    private static Thread Start(Action action)
    {
        var thread = new Thread(() => action()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}

using GemmaScope.Cli.Output;

namespace GemmaScope.Cli;

internal static class Watching
{
    /// <summary>Does long work with a line that says how far it is.</summary>
    public static T Watch<T>(Session session, string unit, long total, Func<IProgress<long>, T> work) =>
        Stages(session, stage => work(stage(unit, total)));

    /// <summary>The same for work of several stages, each with a line of its own.</summary>
    public static T Stages<T>(Session session, Func<Func<string, long, IProgress<long>>, T> work)
    {
        RateDisplay? display = null;
        try
        {
            return work(
                (unit, total) =>
                {
                    display?.End();
                    return new Reporter(display = new RateDisplay(session.Terminal, unit, 0, total));
                }
            );
        }
        finally
        {
            display?.End();
        }
    }

    // Progress<T> would report late, from another thread.
    private sealed class Reporter(RateDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}

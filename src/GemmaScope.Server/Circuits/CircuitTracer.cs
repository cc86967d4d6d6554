using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Circuits;

/// <summary>How far a graph is, and at the end where it is shown.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Done">Rows that are done.</param>
/// <param name="Total">Rows there are at most.</param>
/// <param name="Note">Something to know.</param>
/// <param name="Page">The page of the graph, when it is done.</param>
internal sealed record TraceReport(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Stage = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Done = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Total = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Page = null
);

/// <summary>Traces prompts of users with the transcoders in memory, in turns with what others ask of the model; each is kept in the folder of
/// graphs. Whoever goes away stops theirs.</summary>
/// <param name="circuits">The model.</param>
/// <param name="queue">Its queue.</param>
/// <param name="shelf">Where graphs are kept.</param>
internal sealed class CircuitTracer(CircuitModel circuits, ModelQueue queue, CircuitShelf shelf)
{
    /// <summary>Features of a graph at most: a page is looked at, so it need not hold all.</summary>
    private const int Budget = 1000;

    /// <summary>Whether there are transcoders to trace with, and a place for what is found.</summary>
    public bool CanTrace => circuits.HasTranscoders && shelf.IsWritable;

    /// <summary>Traces a prompt.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="prefix">The path under which a proxy shows the server.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">The text is too short or too long, or the graph cannot be kept.</exception>
    public async IAsyncEnumerable<TraceReport> TraceAsync(
        string text,
        string source,
        string prefix,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var options = new CircuitJobOptions
        {
            Text = Pages.TextReader.Checked(text),
            Transcoders = circuits.Paths,
            Budget = Budget,
            // Who finds it on the shelf is to see how far it can be trusted.
            WithCheck = true,
        };
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arriving = Channel.CreateUnbounded<TraceReport>();
        var running = RunAsync();
        try
        {
            await foreach (var report in arriving.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return report;
            yield return new(Page: prefix + CircuitView.Address(await running.ConfigureAwait(false)));
        }
        finally
        {
            await stopped.CancelAsync().ConfigureAwait(false);
            await Task.WhenAny(running).ConfigureAwait(false);
        }

        async Task<string> RunAsync()
        {
            try
            {
                return await LongWork
                    .RunAsync(
                        queue,
                        source,
                        async (turns, token) =>
                        {
                            var reports = new Reports(arriving.Writer, turns);
                            var found = await CircuitJob
                                .RunAsync(circuits.Served.Microscope, options, reports, token)
                                .ConfigureAwait(false);
                            return shelf.Keep(found.Graph);
                        },
                        stopped.Token
                    )
                    .ConfigureAwait(false);
            }
            finally
            {
                // What went wrong is said by the task itself.
                arriving.Writer.Complete();
            }
        }
    }

    // Progress<T> would report late, from another thread.
    private sealed class Reports(ChannelWriter<TraceReport> to, LongWork turns) : IProgress<JobReport>
    {
        public void Report(JobReport value)
        {
            to.TryWrite(
                value switch
                {
                    JobStage stage => new(stage.Name, stage.Done, stage.Total),
                    JobNote note => new(Note: note.Text),
                    _ => new(),
                }
            );
            // Between two batches of rows.
            if (value is JobStage)
                turns.GiveWay();
        }
    }
}

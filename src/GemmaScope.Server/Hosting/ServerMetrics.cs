using System.Diagnostics.Metrics;

namespace GemmaScope.Server.Hosting;

/// <summary>What a server counts and times, as a <see cref="System.Diagnostics.Metrics.Meter"/> that any collector may listen to;
/// <c>/metrics</c> is one.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "GemmaScope.Server";

    /// <summary>Edges of the histograms, in seconds and in pieces of work.</summary>
    internal static IReadOnlyList<double> Bounds { get; } = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Counter<long> _requests,
        _refused,
        _texts;
    private readonly Histogram<double> _duration,
        _wait,
        _run,
        _batch;

    /// <summary>Makes the instruments.</summary>
    public ServerMetrics()
    {
        _requests = Meter.CreateCounter<long>("gemmascope.requests", description: "Requests answered, by route and status");
        _refused = Meter.CreateCounter<long>("gemmascope.queue.refused", description: "Pieces of work refused because too many waited");
        _texts = Meter.CreateCounter<long>("gemmascope.shield.texts", description: "Texts judged, by verdict");
        _duration = Histogram("gemmascope.request.duration", "Time from a request's arrival to its answer", "s");
        _wait = Histogram("gemmascope.queue.wait", "Time a piece of work waited for the model", "s");
        _run = Histogram("gemmascope.model.run", "Time the model took for pieces done together", "s");
        _batch = Histogram("gemmascope.model.batch", "Pieces of work done together");
    }

    /// <summary>The meter of this server.</summary>
    public Meter Meter { get; } = new(Name);

    /// <summary>A number that is read when someone asks.</summary>
    public void Observe(string name, string description, Func<long> value) =>
        Meter.CreateObservableGauge(name, value, description: description);

    internal void Answered(string route, int status, TimeSpan duration)
    {
        _requests.Add(1, new("route", route), new KeyValuePair<string, object?>("status", status));
        _duration.Record(duration.TotalSeconds);
    }

    internal void Refused() => _refused.Add(1);

    internal void Waited(TimeSpan time) => _wait.Record(time.TotalSeconds);

    internal void Ran(int pieces, TimeSpan time)
    {
        _run.Record(time.TotalSeconds);
        _batch.Record(pieces);
    }

    internal void Judged(bool violated) => _texts.Add(1, new KeyValuePair<string, object?>("violated", violated ? "true" : "false"));

    private Histogram<double> Histogram(string name, string description, string? unit = null) =>
        Meter.CreateHistogram(name, unit, description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Bounds });

    /// <summary>Ends the instruments.</summary>
    public void Dispose() => Meter.Dispose();
}

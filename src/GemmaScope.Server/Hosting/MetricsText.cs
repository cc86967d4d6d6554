using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace GemmaScope.Server.Hosting;

/// <summary>Keeps the sums of a server's instruments and writes them in the text format that Prometheus reads.</summary>
internal sealed class MetricsText : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(Instrument Instrument, string Tags), Sums> _sums = new();

    public MetricsText(ServerMetrics metrics)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == metrics.Meter)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var instrument in _sums.GroupBy(pair => pair.Key.Instrument).OrderBy(group => group.Key.Name, StringComparer.Ordinal))
        {
            var (name, kind) = Describe(instrument.Key);
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {instrument.Key.Description}.\n# TYPE {name} {kind}\n");
            foreach (var ((_, tags), sums) in instrument.OrderBy(pair => pair.Key.Tags, StringComparer.Ordinal))
                sums.Write(text, name, tags, kind);
        }
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private static (string Name, string Kind) Describe(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument switch
        {
            Counter<long> => (name + "_total", "counter"),
            Histogram<double> => (name, "histogram"),
            _ => (name, "gauge"),
        };
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        // The few tags there are come from routes and numbers, never from what a client writes.
        var labels = string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}=\"{tag.Value}\""));
        _sums.GetOrAdd((instrument, labels), _ => new Sums()).Add(value, instrument is ObservableInstrument<long>);
    }

    private sealed class Sums
    {
        private readonly long[] _buckets = new long[ServerMetrics.Bounds.Count];
        private double _sum;
        private long _count;

        public void Add(double value, bool replaces)
        {
            lock (_buckets)
            {
                (_sum, _count) = (replaces ? value : _sum + value, _count + 1);
                for (var i = ServerMetrics.Bounds.Count - 1; i >= 0 && value <= ServerMetrics.Bounds[i]; i--)
                    _buckets[i]++;
            }
        }

        public void Write(StringBuilder text, string name, string tags, string kind)
        {
            lock (_buckets)
            {
                if (kind != "histogram")
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}{(tags.Length > 0 ? $"{{{tags}}}" : "")} {_sum}\n");
                    return;
                }
                for (var i = 0; i < ServerMetrics.Bounds.Count; i++)
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"{ServerMetrics.Bounds[i]}\"}} {_buckets[i]}\n");
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{name}_bucket{{le=\"+Inf\"}} {_count}\n{name}_sum {_sum}\n{name}_count {_count}\n"
                );
            }
        }
    }
}

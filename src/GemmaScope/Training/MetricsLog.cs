using System.Buffers;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Training;

/// <summary>
/// metrics.jsonl: a line for each interval of steps, with means over its rows; FVU is a ratio of sums. What depends on the clock stands
/// last in a line, all else is the same whenever the run is repeated, also after an interruption.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly FileStream _file;
    private Dictionary<string, double> _sums = [];

    private MetricsLog(FileStream file) => _file = file;

    /// <summary>Bytes written, which a checkpoint remembers.</summary>
    public long Length => _file.Length;

    /// <summary>What was added since the last line, by name.</summary>
    public IReadOnlyDictionary<string, double> Sums => _sums;

    /// <summary>Opens the file of a run that begins or goes on.</summary>
    /// <param name="folder">The folder of the result.</param>
    /// <param name="length">What is known to be right of it; lines after that are of steps that will be made again.</param>
    /// <param name="sums">What the checkpoint kept of the interval begun.</param>
    /// <exception cref="GemmaScopeException">The file is shorter than the checkpoint says, or cannot be written.</exception>
    public static MetricsLog Open(string folder, long length, IReadOnlyDictionary<string, double> sums)
    {
        var path = Path.Combine(folder, MetricsFile.Name);
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(folder);
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
            if (file.Length < length)
                throw new FileFormatException(
                    $"has {file.Length} bytes where the checkpoint knows {length}",
                    path,
                    remedy: RunSettingNames.BeginAnew
                );
            file.SetLength(length);
            file.Position = length;
            return new MetricsLog(file) { _sums = new(sums) };
        }
        catch (Exception problem)
        {
            file?.Dispose();
            if (problem is IOException or UnauthorizedAccessException)
                throw new GemmaScopeException($"cannot be written: {problem.Message}", path, problem);
            throw;
        }
    }

    /// <summary>Adds a step.</summary>
    /// <param name="report">What it found.</param>
    /// <param name="spread">Σ‖y − ȳ‖² of its batch: the denominator of its FVU.</param>
    public void Add(StepReport report, double spread)
    {
        Sum("steps", 1);
        Sum("loss", report.Total);
        Sum("mse", report.Mse);
        Sum("sparsity", report.Sparsity);
        if (report.Auxiliary is { } auxiliary)
            Sum("auxiliary", auxiliary);
        Sum("l0", report.L0);
        foreach (var (name, value) in report.Parts)
            Sum(name, value);
        if (report.Resampled > 0)
            Sum("resampled", report.Resampled);
        if (!double.IsFinite(report.Fvu * spread))
            return;
        Sum("fvu_error", report.Fvu * spread);
        Sum("fvu_spread", spread);
    }

    /// <summary>Writes the line of an interval that ends with this step.</summary>
    /// <param name="last">What the step found.</param>
    /// <param name="dense">Share of the features that fired at more than a tenth of the rows of late.</param>
    /// <param name="tokens">Rows trained on.</param>
    /// <param name="skipped">Batches left out.</param>
    /// <param name="heldOut">What it is worth on held-out rows, where that was measured.</param>
    /// <param name="tokensPerSecond">Speed of the interval.</param>
    /// <param name="loading">Share of its time that went into waiting for data.</param>
    public void Write(
        StepReport last,
        double dense,
        long tokens,
        long skipped,
        HeldOutFigures? heldOut,
        double tokensPerSecond,
        double loading
    )
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", last.Step + 1);
            json.WriteNumber("tokens", tokens);
            var steps = _sums["steps"];
            foreach (var (name, sum) in _sums)
                if (name is not ("steps" or "fvu_error" or "fvu_spread"))
                    json.WriteNumber(name, name == "resampled" ? sum : sum / steps);
            if (_sums.TryGetValue("fvu_error", out var error))
                json.WriteNumber("fvu", error / _sums["fvu_spread"]);
            json.WriteNumber("dead", last.DeadShare);
            json.WriteNumber("dense", dense);
            json.WriteNumber("learning_rate", last.LearningRate);
            json.WriteNumber("lambda", last.Lambda);
            if (skipped > 0)
                json.WriteNumber("skipped_batches", skipped);
            if (heldOut is { } figures)
            {
                json.WriteNumber("held_out_fvu", figures.Fvu);
                json.WriteNumber("held_out_l0", figures.L0);
            }
            json.WriteNumber("tokens_per_second", Math.Round(tokensPerSecond, 1));
            json.WriteNumber("loading", Math.Round(loading, 4));
            json.WriteEndObject();
        }
        _file.Write(line.WrittenSpan);
        _file.WriteByte((byte)'\n');
        _file.Flush();
        _sums.Clear();
    }

    /// <summary>Makes sure that what was written is on the disk, before a checkpoint says so.</summary>
    public void Flush() => _file.Flush(flushToDisk: true);

    public void Dispose() => _file.Dispose();

    private void Sum(string name, double value)
    {
        _sums.TryGetValue(name, out var sum);
        _sums[name] = sum + value;
    }
}

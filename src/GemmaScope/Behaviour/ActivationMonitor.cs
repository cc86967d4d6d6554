using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour;

/// <summary>
/// Watches directions and features while a model reads a prompt and writes, and reports each token's values or ends the text where one is
/// above its threshold. It is the <see cref="GenerationOptions.Observer"/> of a generation, with or without a cache, alone or in a batch,
/// beside any edits, after which it reads. A token has values once the model has read it: the last one that was written has none. BOS is
/// passed over, as what happens there says nothing. Nothing is allocated for a token.
/// </summary>
public sealed class ActivationMonitor : GenerationObserver
{
    private readonly GemmaConfig _config;
    private readonly WatchReader[] _readers;
    private readonly MonitorCallback? _onToken;
    private readonly float[] _values;
    private readonly List<MonitorStop> _stops = [];
    private int[] _streaks = [];

    /// <summary>Makes a monitor.</summary>
    /// <param name="config">The configuration of the model that will be watched.</param>
    /// <param name="watches">What is watched.</param>
    /// <param name="onToken">Called for each token that the model has read, in order; null where thresholds alone are of interest.</param>
    /// <exception cref="ArgumentProblemException">There is nothing to watch, two have one name, a site is none of this model's or has no rows
    /// for tokens, a vector or dictionary has another width, or a threshold is not a number.</exception>
    public ActivationMonitor(GemmaConfig config, IReadOnlyList<Watch> watches, MonitorCallback? onToken = null)
    {
        if (watches.Count == 0)
            throw new ArgumentProblemException("there is nothing to watch", "watch");
        foreach (var watch in watches)
            Check(watch, config);
        if (watches.GroupBy(watch => watch.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentProblemException($"'{twice.Key}' is the name of two", "watch");
        (_config, Watches, _onToken, _values) = (config, [.. watches], onToken, new float[watches.Count]);
        _readers =
        [
            .. watches
                .Index()
                .GroupBy(one => (one.Item.Site, one.Item.Dictionary))
                .Select(group => new WatchReader([.. group.Select(one => one.Item)], [.. group.Select(one => one.Index)])),
        ];
        Taps = [.. _readers.Select(reader => Edit.OfAllSequences(reader.Site, reader.Read))];
    }

    /// <summary>What is watched; values come in this order.</summary>
    public IReadOnlyList<Watch> Watches { get; }

    /// <summary>The positions of prompts at which thresholds count; null for all. In a conversation those of its messages: what the tokens of a
    /// template have is much the same whatever is said. Tokens that the model writes always count.</summary>
    public IReadOnlyList<Positions>? Counted { get; set; }

    /// <summary>Why texts of the last generation were ended, in the order in which that happened; none for those that went on.</summary>
    public IReadOnlyList<MonitorStop> Stops => _stops;

    /// <summary>The first of them; null where none was ended.</summary>
    public MonitorStop? Stopped => _stops.Count > 0 ? _stops[0] : null;

    /// <inheritdoc/>
    public override bool HasStopped => _stops.Count > 0;

    internal override IReadOnlyList<Edit> Taps { get; }

    /// <summary>Reads texts without writing: reports their tokens, and notes where each would have been ended.</summary>
    /// <param name="model">The model.</param>
    /// <param name="texts">Token ids of each text, BOS included; they share one pass.</param>
    /// <param name="edits">Changes made to activations.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A text cannot be run.</exception>
    public void Read(
        GemmaModel model,
        IReadOnlyList<int[]> texts,
        IEnumerable<Edit>? edits = null,
        CancellationToken cancellationToken = default
    )
    {
        Begin(texts.Count);
        var hooks = new RunHooks(model.Config, [], [.. edits ?? [], .. Taps]);
        // The final norm is computed with logits only; else nothing is computed behind what is watched.
        var rows = Watches.Any(watch => watch.Site > new Site(SiteKind.ResidPost, _config.Layers - 1)) ? LogitRows.Last : LogitRows.None;
        using var run = model.Run(texts, hooks, null, rows, stopAfter: null, resume: null, arithmetic: null, cancellationToken);
        for (var text = 0; text < texts.Count; text++)
            Read(new(text, run.RowsOf(text).Start, 0, texts[text], areWritten: false));
    }

    internal override void Begin(int texts)
    {
        _stops.Clear();
        _streaks = new int[texts * Watches.Count];
    }

    internal override bool Read(in TokensRead read)
    {
        var goesOn = true;
        for (var i = 0; i < read.Ids.Length; i++)
        {
            if (read.Ids[i] == _config.BosId)
                continue;
            foreach (var reader in _readers)
                reader.Copy(read.Row + i, _values);
            var reading = new MonitorReading(read.Text, read.Position + i, read.Ids[i], read.AreWritten, _values);
            _onToken?.Invoke(reading);
            // The rest of a prompt was read in the same pass, and is reported.
            if (goesOn && Counts(reading) && Crossed(reading) is { } stop)
            {
                _stops.Add(stop);
                goesOn = false;
            }
        }
        return goesOn;
    }

    private bool Counts(in MonitorReading reading)
    {
        if (Counted is null || reading.IsWritten)
            return true;
        foreach (var span in Counted)
            if (reading.Position >= span.Start && reading.Position < span.End)
                return true;
        return false;
    }

    private MonitorStop? Crossed(in MonitorReading reading)
    {
        for (var i = 0; i < Watches.Count; i++)
        {
            var watch = Watches[i];
            if (watch.StopAbove is not { } most || (watch.OnlyWritten && !reading.IsWritten))
                continue;
            ref var streak = ref _streaks[reading.Text * Watches.Count + i];
            streak = reading.Values[i] > most ? streak + 1 : 0;
            if (streak == watch.Streak)
                return new(reading.Text, watch, reading.Position, reading.Token, reading.Values[i]);
        }
        return null;
    }

    private static void Check(Watch watch, GemmaConfig config)
    {
        if (!config.Has(watch.Site))
            throw new ArgumentProblemException($"the model has no such site (layers 0 to {config.Layers - 1})", watch.Site.ToString());
        if (Site.IsAttentionMatrix(watch.Site.Kind) || watch.Site.Kind is SiteKind.Logits or SiteKind.LogitsRaw)
            throw new ArgumentProblemException(
                "has no row for each token, so that no direction can be watched there",
                watch.Site.ToString()
            );
        if (config.SiteWidth(watch.Site) is var width && width != watch.Width)
            throw new ArgumentProblemException(
                $"has {watch.Width} numbers, {watch.Site} of this model {width}; it is of another model or site",
                watch.Name
            );
        if (watch.StopAbove is { } most && double.IsNaN(most))
            throw new ArgumentProblemException("the threshold is not a number", watch.Name);
        if (watch.Streak < 1)
            throw new ArgumentProblemException($"the streak is {watch.Streak}; it must be 1 or more", watch.Name);
    }
}

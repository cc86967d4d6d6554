using System.Globalization;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Directions and features that are watched in a text or a conversation, and what was read so far.</summary>
public sealed class WatchSet : IDisposable
{
    private readonly GemmaModel _model;
    private readonly List<SparseDictionary> _owned;
    private readonly MonitorTrace _trace;
    private readonly List<ChatSpan> _spans = [];
    private readonly List<WatchedStop> _stops = [];

    private WatchSet(GemmaModel model, IReadOnlyList<Watch> watches, List<SparseDictionary> owned)
    {
        (_model, _owned, _trace) = (model, owned, new(watches.Count));
        Monitor = new(model.Config, watches, _trace.Add);
    }

    /// <summary>The monitor, to be the observer of generations.</summary>
    public ActivationMonitor Monitor { get; }

    /// <summary>What does not fit between the model and the dictionaries that were opened, a sentence each.</summary>
    internal IReadOnlyList<string> Warnings { get; private set; } = [];

    /// <summary>What was read so far.</summary>
    public WatchedText Result
    {
        get
        {
            WatchedToken[] tokens =
            [
                .. Enumerable
                    .Range(0, _trace.Count)
                    .Select(i => new WatchedToken(
                        _trace[i].Position,
                        _trace[i].Token,
                        _model.Tokenizer.Decode([_trace[i].Token]),
                        RoleAt(_trace[i].Position),
                        _trace.Values(i).ToArray()
                    )),
            ];
            return new(
                [
                    .. Monitor.Watches.Select(watch => new WatchedSource(
                        watch.Name,
                        watch.Site.ToString(),
                        watch.Dictionary is null ? null : watch.Feature,
                        watch.StopAbove
                    )),
                ],
                [.. _spans.Select(span => Message(span, tokens))],
                tokens,
                [.. _stops]
            );
        }
    }

    /// <summary>Opens what is watched.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">What is watched, and when that ends a text.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">A file cannot be found or read, is of another model, or names no site.</exception>
    public static async Task<WatchSet> OpenAsync(
        Microscope microscope,
        WatchOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        List<SparseDictionary> owned = [];
        try
        {
            List<Watch> watches = [];
            Dictionary<string, SparseDictionary> opened = [];
            foreach (var text in options.Watch)
            {
                var (file, feature) = FeatureOf(text);
                if (feature is not { } number)
                {
                    watches.Add(Direction(text, microscope.Model, watches));
                    continue;
                }
                if (!opened.TryGetValue(file, out var dictionary))
                {
                    var found = await Locator.DictionaryAsync(file, progress, cancellationToken).ConfigureAwait(false);
                    dictionary = DictionaryFit.Open(found, new() { Use = DictionaryUse.One }, microscope.Model.Config, progress).First();
                    owned.Add(dictionary);
                    opened[file] = dictionary;
                }
                watches.Add(Watch.OfFeature(text, dictionary, number));
            }
            var set = Of(microscope.Model, watches, options, owned);
            if (options.Check)
                set.Warnings = DictionaryNotes.Of(DictionaryNotes.Check(microscope.Model, owned, progress, cancellationToken));
            return set;
        }
        catch
        {
            foreach (var dictionary in owned)
                dictionary.Dispose();
            throw;
        }
    }

    /// <summary>Watches directions and features that are at hand.</summary>
    /// <param name="model">The model.</param>
    /// <param name="watches">What is watched; dictionaries must outlive it.</param>
    /// <exception cref="ArgumentProblemException">Something does not fit the model.</exception>
    public static WatchSet Of(GemmaModel model, IReadOnlyList<Watch> watches) => new(model, watches, []);

    /// <summary>Closes the dictionaries that it has opened.</summary>
    public void Dispose()
    {
        foreach (var dictionary in _owned)
            dictionary.Dispose();
    }

    /// <summary>A part of the text is known; where it is the first of a text that is read anew, what was read before is forgotten.</summary>
    internal void Begin(IEnumerable<ChatSpan> spans, bool anew)
    {
        ChatSpan[] read = [.. spans];
        Monitor.Counted = [.. read.Select(span => new Positions(span.Start, span.End))];
        if (anew)
        {
            _trace.Clear();
            _spans.Clear();
            _stops.Clear();
        }
        _spans.AddRange(read);
    }

    /// <summary>A text has ended.</summary>
    internal void End(string role, int start, int end)
    {
        if (end > start)
            _spans.Add(new(role, start, end));
        if (Monitor.Stopped is { } stop)
            _stops.Add(new(stop.Position, stop.Watch.Name, stop.Value, stop.Reason));
    }

    private static WatchSet Of(GemmaModel model, List<Watch> watches, WatchOptions options, List<SparseDictionary> owned) =>
        new(model, [.. watches.Select(watch => watch with { StopAbove = options.StopAbove, Streak = options.StopStreak })], owned);

    /// <summary>The number behind the last colon of a feature.</summary>
    private static (string Name, int? Feature) FeatureOf(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
            ? (text[..colon], feature)
            : (text, null);
    }

    private static Watch Direction(string text, GemmaModel model, List<Watch> before)
    {
        // A colon may be a drive's, so that only a site counts behind it.
        var (file, site) = (text, (Site?)null);
        if (text.LastIndexOf(':') is > 0 and var colon && Site.TryParse(text[(colon + 1)..], out var named))
            (file, site) = (text[..colon], named);
        var stored = site is null ? GivenDirection.Read(file, model) : DirectionFile.Read(file);
        if (site is null && stored.Layer is null)
            throw new ArgumentProblemException(
                "no file beside it says at which layer it is read; put the site behind it, as in direction.npy:resid_post.4",
                file
            );
        var at = site ?? Site.ResidPre(stored.Layer!.Value);
        var name = $"{Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(file))} at {at}";
        return Watch.Direction(before.Any(one => one.Name == name) ? text : name, at, stored.Vector);
    }

    private string RoleAt(int position)
    {
        foreach (var span in _spans)
            if (position >= span.Start && position < span.End)
                return span.Role;
        return "template";
    }

    private WatchedMessage Message(ChatSpan span, WatchedToken[] tokens)
    {
        WatchedToken[] own = [.. tokens.Where(token => token.Position >= span.Start && token.Position < span.End)];
        return new(span.Role, span.Start, span.End, [.. Monitor.Watches.Select((_, i) => own.Length == 0 ? null : Summary(own, i))]);
    }

    private static WatchedSummary Summary(WatchedToken[] tokens, int watch)
    {
        var most = tokens.MaxBy(token => token.Values[watch])!;
        return new(tokens.Average(token => (double)token.Values[watch]), most.Values[watch], most.Position, most.Text);
    }
}

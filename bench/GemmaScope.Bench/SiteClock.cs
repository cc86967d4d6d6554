using System.Diagnostics;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Times the steps of a forward pass with the microscope's own means: an edit that changes nothing but looks at the
/// clock, at every site between two steps. The product holds no timing code for it.
/// </summary>
internal sealed class SiteClock(GemmaConfig config)
{
    // Sites inside a fused step are left out: listening there would pull the step apart.
    private static readonly SiteKind[] Fused =
    [
        SiteKind.Ln1Normalized,
        SiteKind.Ln2Normalized,
        SiteKind.LnFinalNormalized,
        SiteKind.AttnScoresRaw,
        SiteKind.AttnScoresSoftcapped,
        SiteKind.AttnPattern,
    ];

    private readonly Dictionary<SiteKind, long> _ticks = [];
    private long _last;

    /// <summary>The edits to run with.</summary>
    public IEnumerable<Edit> Edits =>
        config.Sites().Where(site => !Fused.Contains(site.Kind)).Select(site => Edit.Function(site, (_, _) => Mark(site.Kind)));

    /// <summary>Starts the clock, right before the run.</summary>
    public void Start() => _last = Stopwatch.GetTimestamp();

    /// <summary>Seconds spent on the step that ends at each kind of site, all layers and runs together.</summary>
    public IEnumerable<(SiteKind Kind, double Seconds)> Seconds() =>
        _ticks.OrderBy(pair => pair.Key).Select(pair => (pair.Key, (double)pair.Value / Stopwatch.Frequency));

    private void Mark(SiteKind kind)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks[kind] = _ticks.GetValueOrDefault(kind) + now - _last;
        _last = now;
    }
}

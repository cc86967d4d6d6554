using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Keys, and what the colours mean. It stands at the end of every page, out of sight until it is asked for.</summary>
internal static class PageHelp
{
    /// <summary>Shown over the page by the browser itself, so that it needs no script; a browser that knows nothing of that shows it as a
    /// part of the page.</summary>
    public static Markup Html { get; } =
        Markup.Of(
            $"""
            <aside id="help" popover role="dialog" aria-label="Keys and colours">
            <div class="headed"><h2>Keys</h2><button type="button" class="quiet" popovertarget="help" popovertargetaction="hide" autofocus>close <kbd>Esc</kbd></button></div>
            <dl class="keys">
            <dt><kbd>/</kbd></dt><dd>search</dd>
            <dt><kbd>t</kbd></dt><dd>the field for a text; <kbd>Ctrl</kbd> <kbd>Enter</kbd> sends it</dd>
            <dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>the feature before and after; on a token, the token before and after</dd>
            <dt><kbd>r</kbd></dt><dd>a random feature</dd>
            <dt><kbd>s</kbd></dt><dd>steering</dd>
            <dt><kbd>?</kbd></dt><dd>this</dd>
            </dl>
            <h2>Colours</h2>
            <dl class="keys">
            <dt>{Scale}</dt><dd>a token: how strongly a feature fires there, as a share of its maximum; on the map: the variance that a dictionary explains</dd>
            <dt>{Markup.Join(
                Enumerable.Range(0, MicroscopeLink.MostPins).Select(hue =>
                    Markup.Of($"<span class=\"tone s14 hue{hue}\">#{hue + 1}</span>")
                )
            )}</dt><dd>several features at once: each has a hue of its own</dd>
            <dt><span class="tone special">‹bos›</span></dt><dd>grey: left out of every sum</dd>
            </dl>
            </aside>

            """
        );

    private static Markup Scale =>
        Markup.Join(
            Enumerable.Range(0, 5).Select(step => Markup.Of($"<span class=\"tone s{TokenMarkup.Shade(step / 4.0)}\">{step * 25}</span>"))
        );
}

using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Where a feature fires: a tab for the strongest examples and one for each interval of activations. Examples that are alike stand
/// as one.</summary>
/// <param name="source">Names and vocabulary of its dictionary.</param>
/// <param name="one">The feature.</param>
/// <param name="address">Its page.</param>
/// <param name="options">What is wanted.</param>
internal sealed class ExamplesView(DashboardSource source, FeatureDashboard one, string address, FeatureViewOptions options)
{
    /// <summary>Lines that are seen at once.</summary>
    private const int Shown = 8;

    /// <summary>The intervals of <see cref="FeatureDashboard.IntervalEdge"/>.</summary>
    private const int Intervals = 5;

    /// <summary>The whole part.</summary>
    public Markup Render()
    {
        var groups = one.Examples.GroupBy(example => example.Interval).ToArray();
        if (groups.Length == 0)
            return Markup.Of(
                $"<section id=\"examples\"><h2>Examples</h2>\n<p class=\"empty\">{(one.IsDead ? "It fired nowhere in this text, so there is nothing to show." : "No examples are stored.")}</p></section>\n"
            );
        var chosen = groups.FirstOrDefault(group => group.Key == options.Interval) ?? groups[0];
        var lines = ExampleGroup.Of(chosen, source.Piece);
        return Markup.Of(
            $"""
            <section id="examples" aria-label="examples">
            <div class="headed"><h2>Examples</h2><nav class="tabs" aria-label="strength of the examples">{(
                groups.Length > 1 ? Markup.Join(groups.Select(group => Tab(group.Key, group == chosen))) : Markup.Empty
            )}</nav><a href="{Address(chosen.Key, !options.Whole)}" data-in-place="examples">{(
                options.Whole ? "excerpts" : "whole passages"
            )}</a></div>
            <p class="note">{Meaning(chosen.Key)}</p>
            {List(lines.Take(Shown))}{(
                lines.Count <= Shown
                    ? Markup.Empty
                    : Markup.Of(
                        $"<details class=\"further\"><summary>{lines.Count - Shown} more</summary>\n{List(lines.Skip(Shown))}</details>\n"
                    )
            )}</section>

            """
        );
    }

    /// <summary>The interval of a name; that of the strongest where it names none.</summary>
    public static int Interval(string? name) => Enumerable.Range(0, Intervals).FirstOrDefault(interval => Name(interval) == name, -1);

    /// <summary>How a group of examples is called in addresses; the strongest need no name.</summary>
    private static string? Name(int interval) => interval < 0 ? null : $"{Percent(interval)}-{Percent(interval + 1)}";

    private static int Percent(int edge) => 100 * edge / Intervals;

    private Markup Tab(int interval, bool chosen) =>
        Markup.Of(
            $"<a href=\"{Address(interval, options.Whole)}\" data-in-place=\"examples\"{Markup.Trusted(chosen ? " aria-current=\"true\"" : "")}>{(interval < 0 ? "Strongest" : $"{Percent(interval)}–{Percent(interval + 1)} %")}</a> "
        );

    /// <summary>The same page with other examples. What was tried stays, as long as it costs nothing to try it again.</summary>
    private string Address(int interval, bool whole) =>
        PageAddress.WithQuery(
            address,
            [("examples", Name(interval)), ("whole", whole ? "true" : null), ("test", options.Tested), .. options.Kept]
        ) + "#examples";

    private Markup Meaning(int interval) =>
        interval < 0
            ? Markup.Of($"The strongest of all, up to {new Rounded(one.Max, 1, Padded: true)}.")
            : Markup.Of(
                $"Drawn from the activations from {new Rounded(one.IntervalEdge(interval), 1, Padded: true)} to {new Rounded(one.IntervalEdge(interval + 1), 1, Padded: true)}: {Digits.Percent(one.IntervalShares[interval])} of the tokens."
            );

    private Markup List(IEnumerable<ExampleGroup> groups) =>
        Markup.Of($"<ol class=\"examples{(options.Whole ? " whole" : "")}\">\n{groups.Select(Line)}</ol>\n");

    private Markup Line(ExampleGroup group) =>
        Markup.Of(
            $"""
            <li>{Example(group.First)}{(
                group.Alike.Count == 0
                    ? Markup.Empty
                    : Markup.Of(
                        $"<details class=\"alike\"><summary>and {group.Alike.Count} like it</summary>\n<ol class=\"examples\">{group.Alike.Select(other => Markup.Of($"<li>{Example(other)}</li>\n"))}</ol></details>"
                    )
            )}</li>

            """
        );

    private Markup Example(FeatureExample example) =>
        Markup.Of(
            $"<span class=\"peak\">{new Rounded(example.Values[example.Position], 1, Padded: true)}</span><p class=\"bubble\" tabindex=\"0\">{TokenMarkup.Excerpt(example, source.Piece, one.Max)}</p>"
        );
}

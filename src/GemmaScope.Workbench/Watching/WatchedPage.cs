using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>What a monitor read along a text or a conversation, as one HTML page: a line for each direction over the tokens, messages marked
/// by their role, and the text itself, shaded.</summary>
public static class WatchedPage
{
    private const int Shades = 5;
    private const double PixelsPerToken = 9,
        Narrowest = 460,
        Widest = 4000;

    private const string Style = """
        .said { white-space: pre-wrap; overflow-wrap: anywhere; }
        .said span { border-radius: 3px; }
        .said .s1 { background: color-mix(in srgb, var(--four) 14%, transparent); }
        .said .s2 { background: color-mix(in srgb, var(--four) 30%, transparent); }
        .said .s3 { background: color-mix(in srgb, var(--four) 48%, transparent); }
        .said .s4 { background: color-mix(in srgb, var(--four) 68%, transparent); }
        .said .stop { outline: 2px solid var(--four); }
        .message > b { text-transform: capitalize; }

        """;

    /// <summary>The page.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="result">What was read; its texts are on the page.</param>
    public static Markup Render(string model, WatchedText result) =>
        new ReportPage($"Watched: {model}", Markup.Of($"<p class=\"meta\">{model} · {result.Tokens.Count} tokens</p>"))
        {
            Style = Style,
        }.Render(
            Markup.Of(
                $"""
                {result.Stops.Select(stop => Markup.Of($"<p><b>Ended:</b> {stop.Reason}.</p>\n"))}<h2>Along the text</h2>
                <div class="scroll" tabindex="0" role="region" aria-label="values along the text">
                {Plot(result)}</div>
                {result.Watches.Index().Select(watch => Said(result, watch.Index))}{Messages(result)}
                """
            ),
            Markup.Of(
                $"<p>A value of a direction is the projection of the residual stream on it, that of a feature its activation; read after all edits, at each token once the model has read it. The last token written has no value, as nothing read it, and BOS says nothing. Point at a point or a token for its value.</p>\n"
            )
        );

    private static Markup Plot(WatchedText result)
    {
        var plot = new SvgPlot("Values by token", "position", "value")
        {
            Radius = 2,
            Width = Math.Clamp(result.Tokens.Count * PixelsPerToken, Narrowest, Widest),
            Bands = [.. result.Messages.Select(message => new PlotBand(message.Start - 0.5, message.End - 0.5, message.Role))],
        };
        return Markup.Trusted(
            plot.Series(
                result
                    .Watches.Index()
                    .Select(watch =>
                        (
                            watch.Item.Name,
                            (IReadOnlyList<PlotPoint>)
                                [
                                    .. result.Tokens.Select(token => new PlotPoint(
                                        token.Position,
                                        token.Values[watch.Index],
                                        Tip(token, watch.Item.Name, token.Values[watch.Index])
                                    )),
                                ]
                        )
                    )
            )
        );
    }

    /// <summary>The text, shaded by one value.</summary>
    private static Markup Said(WatchedText result, int watch)
    {
        var largest = result.Tokens.Select(token => token.Values[watch]).DefaultIfEmpty().Max();
        return Markup.Of(
            $"""
            <h2>{result.Watches[watch].Name}</h2>
            {result.Messages.Select(message =>
                Markup.Of(
                    $"<p class=\"message\"><b>{message.Role}</b><br><span class=\"said\">{result.Tokens.Where(token => token.Position >= message.Start && token.Position < message.End).Select(Token)}</span></p>\n"
                )
            )}
            """
        );

        Markup Token(WatchedToken token)
        {
            var value = token.Values[watch];
            var stopped = result.Stops.Any(stop => stop.Position == token.Position && stop.Name == result.Watches[watch].Name);
            return Markup.Of(
                $"<span class=\"s{Shade(largest, value)}{(stopped ? " stop" : "")}\" title=\"{Tip(token, result.Watches[watch].Name, value)}\">{token.Text}</span>"
            );
        }
    }

    /// <summary>Equal steps from 0 to the largest value; what is below 0 has no shade.</summary>
    private static int Shade(float largest, float value) => value > 0 ? Math.Min(Shades - 1, (int)(value / largest * Shades)) : 0;

    private static Markup Messages(WatchedText result) =>
        PageTable.Of(
            "By message",
            ["message", "watched", new("mean", true), new("largest", true), "at"],
            result.Messages.SelectMany(message =>
                message
                    .Values.Index()
                    .Where(value => value.Item is not null)
                    .Select(value =>
                        Markup.Of(
                            $"<tr><td>{message.Role}</td><td>{result.Watches[value.Index].Name}</td>{StudyPage.Plain(value.Item!.Mean)}{StudyPage.Plain(value.Item.Max)}<td class=\"p\">{HtmlText.Visible(value.Item.MaxToken)}</td></tr>\n"
                        )
                    )
            )
        );

    private static string Tip(WatchedToken token, string name, float value) =>
        FormattableString.Invariant($"{HtmlText.Visible(token.Text)} · position {token.Position} ({token.Role}) · {name} {value:0.###}");
}

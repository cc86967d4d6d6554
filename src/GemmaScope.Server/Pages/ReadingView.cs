using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>
/// The parts of the microscope that show what a dictionary found in a text, each with a name by which it can be replaced. Before the
/// dictionary has read the text they
/// hold the places free: the same tokens, and as much room.
/// </summary>
/// <param name="link">What is looked at.</param>
/// <param name="tokens">The text's tokens.</param>
/// <param name="analysis">What the dictionary found, or null for not yet.</param>
/// <param name="rows">What the database says of the features that are named.</param>
internal sealed class ReadingView(
    MicroscopeLink link,
    IReadOnlyList<ReadToken> tokens,
    TextAnalysis? analysis,
    IReadOnlyDictionary<int, FeatureRow> rows
)
{
    private readonly int[] _shades = analysis is null ? new int[tokens.Count] : Shades(analysis, link.Feature, rows);

    /// <summary>All parts by their names.</summary>
    public (string Id, Markup Html)[] Parts() => [("tokens", Tokens()), ("shading", Shading()), ("summary", Summary()), ("found", List())];

    /// <summary>The tokens, shaded.</summary>
    public Markup Tokens() => Markup.Of($"<p class=\"reading\" id=\"tokens\">{Enumerable.Range(0, tokens.Count).Select(Token)}</p>\n");

    /// <summary>What the shade says.</summary>
    public Markup Shading() =>
        Markup.Of($"<p class=\"note{(link.Feature is null ? "" : " one-line")}\" id=\"shading\">{Shading(analysis)}</p>\n");

    /// <summary>The text as a whole.</summary>
    public Markup Summary() =>
        Markup.Of(
            $"""
            <div id="summary">
            <dl class="figures">
            <div><dt>mean L0</dt><dd>{Number(analysis?.MeanL0, "0.0")}</dd><dd class="of">features that fire on a token</dd></div>
            <div><dt>explained</dt><dd>{Number(
                1 - analysis?.Fvu,
                "0.000"
            )}</dd><dd class="of">1 − FVU: share of the variance of {string.Join(
                ", ",
                link.Dictionary.Dictionary.OutputSites.Select(site => $"{site}")
            )} in this text</dd></div>
            <div><dt>tokens</dt><dd>{tokens.Count(token => token.Counted)}</dd><dd class="of">and {tokens.Count(token =>
                !token.Counted
            )} left out</dd></div>
            </dl>
            <p class="one-line">next: {analysis?.Next.Select(next =>
                Markup.Of($"{TokenMarkup.Word(next.Piece)} <span class=\"soft\">{next.Logit:0.0}</span> ")
            )
                ?? []}</p>
            {link.Dictionary.Dictionary.Warnings.Select(warning =>
                Markup.Of($"<p class=\"note\">{warning}</p>\n")
            )}<p class="note"><a href="{link.Address}">link to this view</a> · <a href="{PageAddress.WithQuery(
                "/analysis.json",
                ("q", link.Text),
                ("dict", link.Dictionary.Name)
            )}">JSON</a></p>
            </div>

            """
        );

    /// <summary>The features of the token that is looked at, or of the whole text.</summary>
    public Markup List()
    {
        var token = link.Token is { } position ? tokens[position] : null;
        var listed =
            analysis is null ? []
            : link.Token is { } at ? analysis.Tokens[at].Top
            : analysis.WholeTextTop;
        var largest = listed.Count > 0 ? listed.Max(feature => feature.Activation) : 1;
        return Markup.Of(
            $"""
            <div id="found">
            <div class="headed"><h2>{(
                token is null
                    ? Markup.Of($"Whole text <small>sums of activations{(analysis is { IsTelling: true } ? ", the telling first" : "")}</small>")
                    : Markup.Of(
                        $"At {TokenMarkup.Word(token.Piece)} <small>position {link.Token!.Value}, L0 {Number(analysis?.Tokens[link.Token.Value].L0, "0")}</small>"
                    )
            )}</h2>{(
                token is null ? Markup.Empty : Markup.Of($"<a href=\"{(link with { Token = null }).Address}\" data-in-place>whole text</a>")
            )}</div>
            {(
                analysis is null ? Markup.Empty
                : listed.Count == 0 ? Markup.Of($"<p class=\"empty\">No feature fires here.</p>")
                : Markup.Of($"<table class=\"found\">\n{listed.Select(feature => Row(analysis, feature, largest))}</table>")
            )}
            </div>

            """
        );
    }

    private Markup Token(int position)
    {
        var (token, chosen) = (tokens[position], position == link.Token);
        return Markup.Of(
            $"<a class=\"s{_shades[position]} {(token.Counted ? TokenMarkup.Kind(token.Piece) : "special")}\" id=\"t{position}\" href=\"{(link with { Token = chosen ? null : position }).Address}\" data-in-place data-tip=\"{(analysis is null ? $"position {position}, id {token.Id}" : Tip(analysis, analysis.Tokens[position]))}\"{Markup.Trusted(chosen ? " aria-current=\"true\"" : "")}>{TokenMarkup.Text(token.Piece)}</a>"
        );
    }

    private string Tip(TextAnalysis found, TokenReport token)
    {
        var head = $"position {token.Position}, id {token.Id}, L0 {token.L0}";
        if (!token.Counted)
            return $"{head}\nleft out of every sum: an outlier by design";
        if (link.Feature is { } feature)
            return $"{head}\n#{feature}: {TokenMarkup.Tip(token.Piece, Value(found, token, feature), Maximum(found, feature, rows))}";
        return token.Top is [var top, ..]
            ? $"{head}\n{string.Create(CultureInfo.InvariantCulture, $"#{top.Index}: {top.Activation:0.00}")} {Label(top.Index)}"
            : head;
    }

    private Markup Shading(TextAnalysis? found) =>
        link.Feature is { } feature && found is not null
            ? Markup.Of(
                $"shaded by {Open(feature)}{(Label(feature) is { Length: > 0 } label ? $" {label}" : "")}: activation / {(rows.ContainsKey(feature) ? "its maximum in the database" : "its maximum in this text")}, {Maximum(found, feature, rows):0.00} · <a href=\"{(link with { Feature = null }).Address}\" data-in-place>by each token’s first instead</a>"
            )
            : Markup.Of(
                $"shaded by each token’s {(found is { IsTelling: true } ? "most telling" : "strongest")} feature · click a token for its features, a feature to shade by it · grey tokens (‹bos›, special) are left out of every sum"
            );

    private Markup Row(TextAnalysis found, FeatureReport feature, float largest)
    {
        var chosen = feature.Index == link.Feature;
        return Markup.Of(
            $"""
            <tr{Markup.Trusted(chosen ? " class=\"chosen\"" : "")}><td><a id="f{feature.Index}" href="{(
                link with
                {
                    Feature = chosen ? null : feature.Index,
                }
            ).Address}" data-in-place data-shades="{string.Join(
                ',',
                Shades(found, feature.Index, rows)
            )}" title="shade the text by it">#{feature.Index}</a></td><td class="wide">{Label(
                feature.Index
            )}</td><td class="n">{feature.Activation:0.00}</td><td class="bar">{ShareBar.Of(
                largest > 0 ? feature.Activation / largest : 0
            )}</td><td>{Open(feature.Index, "open")}</td></tr>

            """
        );
    }

    private Markup Open(int feature, string? text = null) =>
        link.Dictionary.Stored is { } stored && feature < stored.Features
            ? Markup.Of($"<a href=\"{PageAddress.Feature(stored, feature)}\">{text ?? $"#{feature}"}</a>")
        : text is null ? Markup.Of($"#{feature}")
        : Markup.Empty;

    private string Label(int feature) => rows.GetValueOrDefault(feature)?.Label is { } label ? HtmlText.Visible(label) : "";

    /// <summary>The shade of each token: by a feature relative to its maximum, or by the strongest of each relative to the strongest of the
    /// text. What is left out has none.</summary>
    private static int[] Shades(TextAnalysis found, int? feature, IReadOnlyDictionary<int, FeatureRow> rows)
    {
        var values = feature is { } one
            ? [.. found.Tokens.Select(token => token.Counted ? Value(found, token, one) : 0)]
            : found.FirstShades;
        var maximum = feature is { } chosen ? Maximum(found, chosen, rows) : values.Max();
        return [.. values.Select(value => TokenMarkup.Shade(maximum > 0 ? value / maximum : 0))];
    }

    /// <summary>The largest activation known: over the corpus of the database, or over this text.</summary>
    private static float Maximum(TextAnalysis found, int feature, IReadOnlyDictionary<int, FeatureRow> rows) =>
        Math.Max(
            (float)(rows.GetValueOrDefault(feature)?.Max ?? 0),
            found.Tokens.Where(token => token.Counted).Select(token => Value(found, token, feature)).DefaultIfEmpty(0).Max()
        );

    private static float Value(TextAnalysis found, TokenReport token, int feature) => found.Features.Value(token.Position, feature);

    /// <summary>A number; of what is not known yet, dots as wide.</summary>
    private string Number(double? value, string format) =>
        analysis is null ? "…"
        : value is { } number ? number.ToString(format, CultureInfo.InvariantCulture)
        : "undefined";
}

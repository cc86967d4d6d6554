using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Workbench;
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
/// <param name="named">What is known of the features that are named.</param>
internal sealed class ReadingView(MicroscopeLink link, IReadOnlyList<ReadToken> tokens, TextAnalysis? analysis, NamedFeatures named)
{
    /// <summary>Examples of the feature beside the text.</summary>
    private const int Examples = 6;

    private readonly TextShading? _shading = analysis is null ? null : new(analysis, link, named);

    /// <summary>All parts by their names.</summary>
    public (string Id, Markup Html)[] Parts() =>
        [("tokens", Tokens()), ("shading", Shading()), ("summary", Summary()), ("found", List()), ("beside", Beside())];

    /// <summary>The feature that is shown beside the text: the one chosen, or the first of the list.</summary>
    public static int? Opened(MicroscopeLink link, TextAnalysis? analysis) =>
        link.Feature ?? (Listed(link, analysis) is [var first, ..] ? first.Index : null);

    /// <summary>The features that are listed: of the token that is looked at, or of the whole text.</summary>
    public static IReadOnlyList<FeatureReport> Listed(MicroscopeLink link, TextAnalysis? analysis) =>
        analysis is null ? []
        : link.Token is { } at ? analysis.Tokens[at].Top
        : analysis.WholeTextTop;

    /// <summary>The tokens, shaded.</summary>
    public Markup Tokens() => Markup.Of($"<p class=\"reading\" id=\"tokens\">{Enumerable.Range(0, tokens.Count).Select(Token)}</p>\n");

    /// <summary>What the shade says.</summary>
    public Markup Shading() =>
        Markup.Of($"<p class=\"note\" id=\"shading\">{(_shading is null ? TextShading.ByFirst(true) : _shading.Describe())}</p>\n");

    /// <summary>The text as a whole.</summary>
    public Markup Summary() =>
        Markup.Of(
            $"""
            <div id="summary" class="strip">
            <p><b>{Number(analysis?.MeanL0, "0.0")}</b> features fire on a token <span class="soft">mean L0</span> · <b>{Number(
                1 - analysis?.Fvu,
                "0.000"
            )}</b> explained <span class="soft">1 − FVU of {string.Join(
                ", ",
                link.Dictionary.Dictionary.OutputSites.Select(site => $"{site}")
            )} in this text</span> · <b>{tokens.Count(token => token.Counted)}</b> tokens <span class="soft">and {tokens.Count(token =>
                !token.Counted
            )} left out</span></p>
            <p class="one-line">next: {analysis?.Next.Select(next =>
                Markup.Of($"{TokenMarkup.Word(next.Piece)} <span class=\"soft\">{Digits.Percent(next.Probability)}</span> ")
            )
                ?? []}</p>
            {Warnings().Select(warning =>
                Markup.Of($"<p class=\"note\">{warning}</p>\n")
            )}<p class="note"><a href="{link.Address}">link to this view</a> · <a href="{PageAddress.WithQuery(
                "/analysis.json",
                ("q", link.Text),
                ("dict", link.Dictionary.Name)
            )}">JSON</a></p>
            </div>

            """
        );

    private IEnumerable<string> Warnings()
    {
        var quantised = QuantisedHost.Note(analysis?.Quantised ?? []);
        return quantised is null ? link.Dictionary.Dictionary.Warnings : [.. link.Dictionary.Dictionary.Warnings, quantised];
    }

    /// <summary>The features of the token that is looked at, or of the whole text.</summary>
    public Markup List()
    {
        var token = link.Token is { } position ? tokens[position] : null;
        var listed = Listed(link, analysis);
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
                token is null ? Markup.Empty : Markup.Of($"<a href=\"{(link with { Token = null, Feature = null }).Address}\" data-in-place>whole text</a>")
            )}</div>
            {(
                analysis is null ? Markup.Empty
                : listed.Count == 0 ? Markup.Of($"<p class=\"empty\">No feature fires here.</p>")
                : Markup.Of($"<table class=\"found\">\n{listed.Select(feature => Row(feature, largest))}</table>")
            )}
            </div>

            """
        );
    }

    /// <summary>A feature beside the text.</summary>
    public Markup Beside()
    {
        var chosen = link.Feature is not null;
        return Markup.Of(
            $"<section id=\"beside\"{Markup.Trusted(chosen ? " class=\"chosen\"" : "")} aria-label=\"a feature\">{(Opened(link, analysis) is { } feature ? Panel(feature) : Markup.Empty)}</section>\n"
        );
    }

    private Markup Panel(int feature)
    {
        var close = link.Feature is null
            ? Markup.Empty
            : Markup.Of($"<a href=\"{(link with { Feature = null }).Address}\" data-in-place title=\"close\">✕</a>");
        if (link.Dictionary.Stored is not { } stored || named.Glance(feature) is not { } glance)
            return Markup.Of(
                $"""
                <div class="headed"><h3>#{feature}</h3>{close}</div>
                <p class="empty">Nothing is known of it beyond this text: there is no dashboard of this feature here. Build the features of this dictionary, and its examples and words stand here.</p>

                """
            );
        var (card, page) = (new FeatureCard(stored, glance), PageAddress.Feature(stored, feature));
        return Markup.Of(
            $"""
            <div class="headed">{card.Name()}{close}</div>
            {card.Figures()}{card.Words(Examples)}{card.Best(
                Examples
            )}<p class="more"><a href="{page}">whole page</a> · <a href="{page}#steering">steer with it</a> · <a href="{page}#test">try other texts</a></p>

            """
        );
    }

    private Markup Token(int position)
    {
        var (token, chosen) = (tokens[position], position == link.Token);
        return Markup.Of(
            $"<a class=\"{Markup.Trusted(_shading?.ClassOf(position) ?? "s0")} {(token.Counted ? TokenMarkup.Kind(token.Piece) : "special")}\" id=\"t{position}\" href=\"{(link with { Token = chosen ? null : position, Feature = null }).Address}\" data-in-place data-tip=\"{_shading?.Tip(position) ?? $"position {position}, id {token.Id}"}\"{Markup.Trusted(chosen ? " aria-current=\"true\"" : "")}>{TokenMarkup.Text(token.Piece)}</a>"
        );
    }

    private Markup Row(FeatureReport feature, float largest)
    {
        var (chosen, hue) = (feature.Index == link.Feature, link.HueOf(feature.Index));
        return Markup.Of(
            $"""
            <tr{Markup.Trusted(chosen ? " class=\"chosen\"" : "")}><td class="pins"><a class="pin{(hue is { } own ? $" s14 hue{own}" : "")}" id="p{feature.Index}" href="{link.Pin(feature.Index).Address}" data-in-place title="{(hue is null ? "shade the text by it in a colour of its own" : "shade no longer by it")}" aria-label="{(hue is null ? "pin" : "unpin")} #{feature.Index}"></a></td><td class="wide"><a id="f{feature.Index}" href="{(
                link with
                {
                    Feature = chosen ? null : feature.Index,
                }
            ).Address}" data-in-place data-shades="{string.Join(
                ',',
                _shading!.ShadesBy(feature.Index)
            )}"{named.Card(feature.Index)}><span class="index">#{feature.Index}</span> {named.Name(feature.Index)}</a></td><td class="n">{new Rounded(feature.Activation, 1, Padded: true)}</td><td class="bar">{ShareBar.Of(
                largest > 0 ? feature.Activation / largest : 0
            )}</td></tr>

            """
        );
    }

    /// <summary>A number; of what is not known yet, dots as wide.</summary>
    private string Number(double? value, string format) =>
        analysis is null ? "…"
        : value is { } number ? number.ToString(format, CultureInfo.InvariantCulture)
        : "undefined";
}

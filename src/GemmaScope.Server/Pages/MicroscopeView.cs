using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Server.Html;
using GemmaScope.Server.Store;

namespace GemmaScope.Server.Pages;

/// <summary>What a link to the microscope says.</summary>
/// <param name="Text">The text, or null.</param>
/// <param name="Dictionary">The dictionary it is read with.</param>
/// <param name="Token">The position whose features are listed, or null for the whole text.</param>
/// <param name="Feature">The feature that shades the text, or null for each token's strongest.</param>
internal sealed record MicroscopeLink(string? Text, MicroscopeDictionary Dictionary, int? Token, int? Feature)
{
    /// <summary>Its address.</summary>
    public string Address => PageAddress.WithQuery("/", ("q", Text), ("dict", Dictionary.Name),
        ("token", Token?.ToString(CultureInfo.InvariantCulture)), ("feature", Feature?.ToString(CultureInfo.InvariantCulture)));
}

/// <summary>The microscope: a text, its tokens shaded, and the features that fire.</summary>
internal sealed class MicroscopeView(string model, IReadOnlyList<MicroscopeDictionary> dictionaries, MicroscopeLink link, TextAnalysis? analysis, IReadOnlyDictionary<int, FeatureRow> rows, string? problem = null)
{
    /// <summary>Features listed for a token, and for the whole text.</summary>
    public const int Listed = 15;

    private static readonly (string Name, string Text)[] Examples =
    [
        ("a headline", "Paris plans car-free days as the heat wave returns"),
        ("a lie", "The moon is made of cheese, and every astronaut has tasted it."),
        ("a song line", "Row, row, row your boat, gently down the stream"),
        ("code", "for i in range(10):\n    print(i)"),
    ];

    public Page Render() => new PageFrame
    {
        Title = link.Text is { Length: > 0 } text ? text.Length <= 60 ? text : text[..60] + "…" : "Microscope",
        Path = [(model, PageAddress.Model(model)), .. link.Dictionary.Stored is { } stored ? ((string, string)[])[(stored.Name, PageAddress.Dictionary(stored))] : []],
    }.Render(Markup.Of($"""
        <h1 class="sr">Microscope</h1>
        {Form()}{Layers()}{(problem is null ? Markup.Empty : Markup.Of($"<p class=\"problem\" role=\"alert\">{problem}</p>\n"))}{(analysis is null ? (problem is null ? Welcome : Markup.Empty) : Result(analysis))}
        """), problem is null ? 200 : 400);

    private static Markup Welcome { get; } = Markup.Of($"<p class=\"empty\">Type a text and press Look: each token is shaded by the features that fire there. Nothing you type is stored.</p>\n");

    private Markup Form() => Markup.Of($"""
        <form class="scope" action="/" data-in-place>
        <label class="sr" for="text">Text</label>
        <textarea id="text" name="q" placeholder="Paste or type a text …" maxlength="{TextReader.LongestText}" required>{Markup.Trusted("\n")}{link.Text ?? ""}</textarea>
        <div class="choices">
        <label>model <b>{model}</b></label>
        <label>dictionary <select name="dict">{dictionaries.Select(one => Markup.Of($"<option value=\"{one.Name}\"{Markup.Trusted(one == link.Dictionary ? " selected" : "")}>{one.Name}</option>"))}</select></label>
        <button>Look</button>
        <span class="soft">examples: {Examples.Select((example, i) => Markup.Of($"{(i > 0 ? " · " : "")}<a href=\"{(link with { Text = example.Text, Token = null, Feature = null }).Address}\" data-in-place>{example.Name}</a>"))}</span>
        </div>
        </form>

        """);

    /// <summary>The dictionaries of the same kind of site in other layers.</summary>
    private Markup Layers()
    {
        var kind = link.Dictionary.Dictionary.InputSite.Kind;
        var layers = dictionaries.Where(one => one.Dictionary.InputSite.Kind == kind).GroupBy(one => one.Layer).OrderBy(group => group.Key).ToArray();
        return layers.Length < 2 ? Markup.Empty : Markup.Of($"""
            <nav class="layers" aria-label="layers">layer {layers.Select(group => Markup.Of(
                $"<a href=\"{(link with { Dictionary = group.Contains(link.Dictionary) ? link.Dictionary : group.First(), Feature = null }).Address}\" data-in-place{Markup.Trusted(group.Key == link.Dictionary.Layer ? " aria-current=\"true\"" : "")}>{group.Key}</a> "))}</nav>

            """);
    }

    private Markup Result(TextAnalysis found) => Markup.Of($"""
        <p class="reading">{Tokens(found)}</p>
        <p class="note">{Shading(found)}</p>
        <div class="sides">
        <div>
        {Summary(found)}</div>
        <div>
        {List(found)}</div>
        </div>

        """);

    private IEnumerable<Markup> Tokens(TextAnalysis found)
    {
        var shades = Shades(found, link.Feature);
        foreach (var token in found.Tokens)
        {
            var chosen = token.Position == link.Token;
            yield return Markup.Of($"<a class=\"s{shades[token.Position]} {(token.Counted ? TokenMarkup.Kind(token.Piece) : "special")}\" id=\"t{token.Position}\" href=\"{(link with { Token = chosen ? null : token.Position }).Address}\" data-in-place data-tip=\"{Tip(found, token)}\"{Markup.Trusted(chosen ? " aria-current=\"true\"" : "")}>{TokenMarkup.Text(token.Piece)}</a>");
        }
    }

    private string Tip(TextAnalysis found, TokenReport token)
    {
        var head = $"position {token.Position}, id {token.Id}, L0 {token.L0}";
        if (!token.Counted) return $"{head}\nleft out of every sum: an outlier by design";
        if (link.Feature is { } feature) return $"{head}\n#{feature}: {TokenMarkup.Tip(token.Piece, Value(found, token, feature), Maximum(found, feature))}";
        return token.Top is [var top, ..] ? $"{head}\n{string.Create(CultureInfo.InvariantCulture, $"#{top.Index}: {top.Activation:0.00}")} {Label(top.Index)}" : head;
    }

    private Markup Shading(TextAnalysis found) => link.Feature is { } feature
        ? Markup.Of($"shaded by {Open(feature)}{(Label(feature) is { Length: > 0 } label ? $" {label}" : "")}: activation / {(rows.ContainsKey(feature) ? "its maximum in the database" : "its maximum in this text")}, {Maximum(found, feature):0.00} · <a href=\"{(link with { Feature = null }).Address}\" data-in-place>by each token’s strongest instead</a>")
        : Markup.Of($"shaded by each token’s strongest feature · click a token for its features, a feature to shade by it · grey tokens (‹bos›, special) are left out of every sum");

    private Markup Summary(TextAnalysis found) => Markup.Of($"""
        <dl class="figures">
        <div><dt>mean L0</dt><dd>{Defined(found.MeanL0, "0.0")}</dd><dd class="of">features that fire on a token</dd></div>
        <div><dt>FVU</dt><dd>{Defined(found.Fvu, "0.000")}</dd><dd class="of">variance of {string.Join(", ", found.OutputSites)} that the dictionary leaves unexplained</dd></div>
        <div><dt>tokens</dt><dd>{found.Tokens.Count - found.ExcludedPositions.Count}</dd><dd class="of">and {found.ExcludedPositions.Count} left out</dd></div>
        </dl>
        {(found.Next.Count == 0 ? Markup.Empty : Markup.Of($"<p>next: {found.Next.Select(next => Markup.Of($"{TokenMarkup.Word(next.Piece)} <span class=\"soft\">{next.Logit:0.0}</span> "))}</p>\n"))}{found.Warnings.Select(warning => Markup.Of($"<p class=\"note\">{warning}</p>\n"))}<p class="note"><a href="{link.Address}">link to this view</a> · <a href="{PageAddress.WithQuery("/analysis.json", ("q", link.Text), ("dict", link.Dictionary.Name))}">JSON</a></p>

        """);

    private Markup List(TextAnalysis found)
    {
        var token = link.Token is { } position ? found.Tokens[position] : null;
        var listed = token?.Top ?? found.WholeTextTop;
        var largest = listed.Count > 0 ? listed[0].Activation : 1;
        return Markup.Of($"""
            <div class="headed"><h2>{(token is null ? Markup.Of($"Whole text <small>sums of activations</small>") : Markup.Of($"At {TokenMarkup.Word(token.Piece)} <small>position {token.Position}, L0 {token.L0}</small>"))}</h2>{(token is null ? Markup.Empty : Markup.Of($"<a href=\"{(link with { Token = null }).Address}\" data-in-place>whole text</a>"))}</div>
            {(listed.Count == 0 ? Markup.Of($"<p class=\"empty\">No feature fires here.</p>") : Markup.Of($"<table class=\"found\">\n{listed.Select(feature => Row(found, feature, largest))}</table>"))}

            """);
    }

    private Markup Row(TextAnalysis found, FeatureReport feature, float largest)
    {
        var chosen = feature.Index == link.Feature;
        return Markup.Of($"""
            <tr{Markup.Trusted(chosen ? " class=\"chosen\"" : "")}><td><a id="f{feature.Index}" href="{(link with { Feature = chosen ? null : feature.Index }).Address}" data-in-place data-shades="{string.Join(',', Shades(found, feature.Index))}" title="shade the text by it">#{feature.Index}</a></td><td class="wide">{Label(feature.Index)}</td><td class="n">{feature.Activation:0.00}</td><td class="bar">{FeatureView.Bar(largest > 0 ? feature.Activation / largest : 0)}</td><td>{Open(feature.Index, "open")}</td></tr>

            """);
    }

    private Markup Open(int feature, string? text = null) => link.Dictionary.Stored is { } stored && feature < stored.Features
        ? Markup.Of($"<a href=\"{PageAddress.Feature(stored, feature)}\">{text ?? $"#{feature}"}</a>")
        : text is null ? Markup.Of($"#{feature}") : Markup.Empty;

    private string Label(int feature) => rows.GetValueOrDefault(feature)?.Label is { } label ? HtmlText.Visible(label) : "";

    /// <summary>The shade of each token: by a feature relative to its maximum, or by the strongest of each relative to the strongest of the text. What is left out has none.</summary>
    private int[] Shades(TextAnalysis found, int? feature)
    {
        float[] values = [.. found.Tokens.Select(token => !token.Counted ? 0 : feature is { } one ? Value(found, token, one) : token.Top is [var top, ..] ? top.Activation : 0)];
        var maximum = feature is { } chosen ? Maximum(found, chosen) : values.Max();
        return [.. values.Select(value => TokenMarkup.Shade(maximum > 0 ? value / maximum : 0))];
    }

    /// <summary>The largest activation known: over the corpus of the database, or over this text.</summary>
    private float Maximum(TextAnalysis found, int feature) =>
        Math.Max((float)(rows.GetValueOrDefault(feature)?.Max ?? 0), found.Tokens.Where(token => token.Counted).Select(token => Value(found, token, feature)).DefaultIfEmpty(0).Max());

    private static float Value(TextAnalysis found, TokenReport token, int feature) => found.Features.Value(token.Position, feature);

    private static string Defined(double? value, string format) => value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "undefined";
}

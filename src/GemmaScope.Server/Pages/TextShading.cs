using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>
/// How the tokens of a text are shaded, and what is said of it: by each token's first feature; by one feature, relative to the largest
/// activation known of it; or by several at once, each token in the hue of the one that is nearest to its own largest.
/// </summary>
/// <param name="found">What the dictionary found.</param>
/// <param name="link">What is looked at.</param>
/// <param name="named">What is known of the features.</param>
internal sealed class TextShading(TextAnalysis found, MicroscopeLink link, NamedFeatures named)
{
    private readonly int[] _first = link.Pins.Count == 0 && link.Feature is null ? ByFirst(found) : [];

    /// <summary>The features that shade: those that are pinned, or the one that is open, or none.</summary>
    private IReadOnlyList<int> Shading { get; } =
        link.Pins.Count > 0 ? link.Pins
        : link.Feature is { } one ? [one]
        : [];

    /// <summary>The shade of each token by one feature. What is left out has none.</summary>
    public int[] ShadesBy(int feature)
    {
        var maximum = Maximum(feature);
        return [.. found.Tokens.Select(token => TokenMarkup.Shade(Value(token, feature) / maximum))];
    }

    /// <summary>The classes that shade a token.</summary>
    public string ClassOf(int position)
    {
        if (Shading.Count == 0)
            return $"s{_first[position]}";
        var (hue, share) = Shading
            .Select(feature => Value(found.Tokens[position], feature) / Maximum(feature))
            .Index()
            .MaxBy(one => one.Item);
        return hue == 0 ? $"s{TokenMarkup.Shade(share)}" : $"s{TokenMarkup.Shade(share)} hue{hue}";
    }

    /// <summary>What is said of a token that is pointed at.</summary>
    public string Tip(int position)
    {
        var token = found.Tokens[position];
        var head = $"position {token.Position}, id {token.Id}, L0 {token.L0}";
        if (!token.Counted)
            return $"{head}\nleft out of every sum: an outlier by design";
        if (Shading.Count > 0)
            return $"{head}{string.Concat(Shading.Select(feature => $"\n#{feature}: {TokenMarkup.Tip(token.Piece, Value(token, feature), Maximum(feature))}"))}";
        return token.Top is [var top, ..]
            ? $"{head}\n{string.Create(CultureInfo.InvariantCulture, $"#{top.Index}: {top.Activation:0.00}")} {named.Plain(top.Index)}"
            : head;
    }

    /// <summary>What the shade says.</summary>
    public Markup Describe()
    {
        if (Shading.Count == 0)
            return ByFirst(found.IsTelling);
        var plain = (link with { Feature = null, Pins = [] }).Address;
        return Markup.Of(
            $"shaded by {Shading.Index().Select(one => Markup.Of($"<span class=\"s14 hue{one.Index} swatch\"></span> #{one.Item} {named.Name(one.Item)} <span class=\"soft\">of {Maximum(one.Item):0.00}, its maximum in {(named.Row(one.Item) is null ? "this text" : "the database")}</span> "))}· <a href=\"{plain}\" data-in-place>by each token’s first instead</a>"
        );
    }

    /// <summary>The same where no feature was chosen.</summary>
    public static Markup ByFirst(bool isTelling) =>
        Markup.Of(
            $"shaded by each token’s {(isTelling ? "most telling" : "strongest")} feature · click a token for its features, a feature to open it and shade by it · grey tokens (‹bos›, special) are left out of every sum"
        );

    private static int[] ByFirst(TextAnalysis found)
    {
        var (values, maximum) = (found.FirstShades, found.FirstShades.Max());
        return [.. values.Select(value => TokenMarkup.Shade(maximum > 0 ? value / maximum : 0))];
    }

    /// <summary>The largest activation known: over the corpus of the database, or over this text. Above 0.</summary>
    private float Maximum(int feature) =>
        Math.Max((float)(named.Row(feature)?.Max ?? 0), found.Tokens.Select(token => Value(token, feature)).Append(float.Epsilon).Max());

    private float Value(TokenReport token, int feature) => token.Counted ? found.Features.Value(token.Position, feature) : 0;
}

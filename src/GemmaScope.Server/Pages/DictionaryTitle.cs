using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Dictionaries;
using GemmaScope.Features.Exchange;
using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What pages call a dictionary: <c>layer 3 · residual · 2k</c>. Its name in addresses is long, and full of what others share.</summary>
/// <param name="Name">Its name in addresses.</param>
/// <param name="Layer">The layer it reads, or the layers; empty for a site of the whole model.</param>
/// <param name="Site">The site in a word.</param>
/// <param name="Place">Where the site stands among the columns of a map: in the order in which a layer computes.</param>
/// <param name="Width">Features it has, shortly.</param>
internal sealed partial record DictionaryTitle(string Name, string Layer, string Site, int Place, string Width)
{
    /// <summary>Behind all sites.</summary>
    private const int Last = 1000;

    /// <summary>What tells it from another one that would be called the same, or null.</summary>
    public string? Detail { get; init; }

    /// <summary>Whether it stands for MLPs: a transcoder of a layer or across layers.</summary>
    public bool IsTranscoder => (Site, Place) == Transcoder || (Site, Place) == CrossLayer;

    /// <summary>What it is called.</summary>
    public string Text => Joined(Layer, Site, Width, Detail);

    /// <summary>The same where the layer is said beside it.</summary>
    public string WithoutLayer => Joined(Site, Width, Detail);

    /// <summary>The same where layer and site are said beside it.</summary>
    public string WidthAndDetail => Joined(Width, Detail);

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>A link to its page, or to another one of it.</summary>
    public Markup Link(string address) => Markup.Of($"<a href=\"{address}\" title=\"{HtmlText.Visible(Name)}\">{Text}</a>");

    /// <summary>Its step on the way to a page.</summary>
    /// <param name="address">Its page; null where that is what is shown.</param>
    public PageStep Step(string? address) => new(Text, address, HtmlText.Visible(Name));

    /// <summary>Of one whose features are stored.</summary>
    public static DictionaryTitle Of(StoredDictionary dictionary, DashboardSource source)
    {
        var words = Words().Matches($"{source.Set} {dictionary.Name}").Select(word => word.Value.ToLowerInvariant()).ToHashSet();
        Site? site = source.Hook is { } hook && GemmaScope.Models.Site.TryParse(hook, out var read) ? read : null;
        var (name, place) =
            words.Contains("clt") ? CrossLayer
            : words.Contains("crosscoder") ? Crosscoder
            : words.Any(word => word.StartsWith("transcoder", StringComparison.Ordinal)) ? Transcoder
            : site is { } known ? Word(known.Kind)
            : words.Contains("res") ? Word(SiteKind.ResidPost)
            : words.Contains("att") ? Word(SiteKind.AttnOut)
            : words.Contains("mlp") ? Word(SiteKind.MlpOut)
            : (HtmlText.Visible(source.Set), Last);
        return new(
            dictionary.Name,
            site is { Layer: null } ? "" : string.Create(CultureInfo.InvariantCulture, $"layer {source.Layer}"),
            name,
            place,
            Count(dictionary.Width)
        );
    }

    /// <summary>Of one in memory.</summary>
    public static DictionaryTitle Of(string name, SparseDictionary dictionary)
    {
        var layers = dictionary.InputSites.Select(one => one.Layer).OfType<int>().ToArray();
        var (word, place) = dictionary.Kind switch
        {
            DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder => Transcoder,
            DictionaryKind.Crosscoder => Crosscoder,
            DictionaryKind.CrossLayerTranscoder => CrossLayer,
            _ => Word(dictionary.InputSite.Kind),
        };
        return new(
            name,
            layers.Length == 0 ? ""
                : layers.Min() == layers.Max() ? string.Create(CultureInfo.InvariantCulture, $"layer {layers[0]}")
                : string.Create(CultureInfo.InvariantCulture, $"layers {layers.Min()}–{layers.Max()}"),
            word,
            place,
            Count(dictionary.Width)
        );
    }

    /// <summary>The same titles; those that would be called the same say what tells them apart: the L0 that their names have, else whatever
    /// else differs in the names.</summary>
    public static IEnumerable<DictionaryTitle> Apart(IEnumerable<DictionaryTitle> titles) =>
        titles.GroupBy(one => one.Text).SelectMany(same => Detailed([.. same]));

    /// <summary>Features, shortly: 2048 is 2k, 65536 is 65k, 2²⁰ is 1m, as Gemma Scope names its widths.</summary>
    public static string Count(int width)
    {
        static string Cut(double number, string unit) =>
            (number < 10 ? Math.Floor(number * 10) / 10 : Math.Floor(number)).ToString("0.#", CultureInfo.InvariantCulture) + unit;
        return width < 1000 ? width.ToString(CultureInfo.InvariantCulture)
            : width < 1_000_000 ? Cut(width / 1e3, "k")
            : Cut(width / 1e6, "m");
    }

    private static (string Word, int Place) Transcoder => ("transcoder", (int)SiteKind.MlpIn);

    private static (string Word, int Place) Crosscoder => ("crosscoder", Last - 2);

    private static (string Word, int Place) CrossLayer => ("cross-layer", Last - 1);

    private static (string Word, int Place) Word(SiteKind kind) =>
        (
            kind switch
            {
                SiteKind.Embed => "embedding",
                SiteKind.ResidPre => "residual in",
                SiteKind.Z or SiteKind.AttnOutRaw or SiteKind.AttnOut => "attention",
                SiteKind.ResidMid => "residual mid",
                SiteKind.Ln2Normalized or SiteKind.MlpIn => "MLP in",
                SiteKind.MlpOutRaw or SiteKind.MlpOut => "MLP",
                SiteKind.ResidPost => "residual",
                _ => $"{new Site(kind)}".Split('.')[0].Replace('_', ' '),
            },
            (int)kind
        );

    private static string Joined(params ReadOnlySpan<string?> parts)
    {
        var text = "";
        foreach (var part in parts)
            if (!string.IsNullOrEmpty(part))
                text += (text.Length > 0 ? " · " : "") + part;
        return text;
    }

    private static IEnumerable<DictionaryTitle> Detailed(DictionaryTitle[] same)
    {
        if (same.Length == 1)
            return same;
        var details = same.Select(one => L0(one.Name)).ToArray();
        if (!Differ(details))
            details = Differences([.. same.Select(one => one.Name)]);
        return same.Zip(details, (one, detail) => one with { Detail = detail is null ? null : HtmlText.Visible(detail) });
    }

    private static bool Differ(string?[] details) => details.Distinct().Count() == details.Length;

    private static string? L0(string name) => NamedL0().Match(name) is { Success: true } found ? $"L0 {found.Groups[1].Value}" : null;

    /// <summary>Of each name the words that not all have, a number with the word before it; the names themselves where these are the same
    /// too.</summary>
    private static string?[] Differences(string[] names)
    {
        var words = names.Select(name => Words().Matches(name).Select(word => word.Value).ToArray()).ToArray();
        var shared = words.Select(one => one.ToHashSet()).Aggregate((one, other) => [.. one.Intersect(other)]);
        var details = words
            .Select(one =>
                string.Join(
                    ' ',
                    one.Select(
                            (word, i) =>
                                shared.Contains(word) ? ""
                                : char.IsDigit(word[0]) && i > 0 && shared.Contains(one[i - 1]) && char.IsLetter(one[i - 1][0])
                                    ? $"{one[i - 1]} {word}"
                                : word
                        )
                        .Where(word => word.Length > 0)
                )
            )
            .Select(detail => detail.Length == 0 ? null : detail)
            .ToArray();
        return Differ(details) ? details : names;
    }

    [GeneratedRegex("[^-_/~ ]+")]
    private static partial Regex Words();

    [GeneratedRegex("(?:^|[-_/])l0[-_](\\d+|small|medium|big)(?=$|[-_/~])", RegexOptions.IgnoreCase)]
    private static partial Regex NamedL0();
}

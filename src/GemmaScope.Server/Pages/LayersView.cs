using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The layers of a reading: a slider that moves between those of one site, and a line for each dictionary, in the order of the
/// forward pass. A line that is not read yet has its place.</summary>
/// <param name="titles">What dictionaries are called.</param>
/// <param name="model">The model's name.</param>
/// <param name="link">What is looked at.</param>
/// <param name="dictionaries">All dictionaries in the order of the forward pass.</param>
/// <param name="known">What a dictionary found before, or null.</param>
/// <param name="named">What is known of features.</param>
internal sealed class LayersView(
    DictionaryTitles titles,
    string model,
    MicroscopeLink link,
    IReadOnlyList<MicroscopeDictionary> dictionaries,
    Func<MicroscopeDictionary, TextAnalysis?> known,
    Func<MicroscopeDictionary, IEnumerable<int>, NamedFeatures> named
)
{
    /// <summary>Features named in a line.</summary>
    public const int Named = 3;

    /// <summary>Between the layers that dictionaries of this site read.</summary>
    public Markup Slider()
    {
        var layers = dictionaries
            .Where(one => one.SiteName == link.Dictionary.SiteName)
            .GroupBy(one => one.Layer)
            .OrderBy(group => group.Key)
            .ToArray();
        return layers.Length < 2
            ? Markup.Empty
            : Markup.Of(
                $"""
                <form class="layers" action="/" data-in-place>
                <input type="hidden" name="q" value="{HtmlText.Field(link.Text ?? "")}"><input type="hidden" name="dict" value="{link.Dictionary.Name}">{(
                    link.Token is { } token ? Markup.Of($"<input type=\"hidden\" name=\"token\" value=\"{token}\">") : Markup.Empty
                )}
                <label for="layer">layer</label> <output for="layer">{link.Dictionary.Layer}</output> <span class="soft">{layers[0].Key}</span><input type="range" id="layer" name="layer" min="{layers[
                    0
                ].Key}" max="{layers[^1].Key}" value="{link.Dictionary.Layer}" list="layers"><span class="soft">{layers[
                    ^1
                ].Key}</span>
                <datalist id="layers">{layers.Select(layer => Markup.Of($"<option value=\"{layer.Key}\"></option>"))}</datalist>
                <noscript><button>Go</button></noscript>
                </form>

                """
            );
    }

    /// <summary>All dictionaries.</summary>
    public Markup Table() =>
        dictionaries.Count < 2
            ? Markup.Empty
            : Markup.Of(
                $"""
                <div class="passing" tabindex="0" role="region" aria-label="layers"><table>
                <tr><th>layer</th><th>dictionary</th><th class="n">L0</th><th class="n">explained</th><th>most telling of the whole text</th></tr>
                {Enumerable.Range(0, dictionaries.Count).Select(i => Line(i).Html)}</table></div>
                <noscript><p class="note">A dictionary reads the text when it is chosen.</p></noscript>

                """
            );

    /// <summary>The line of a dictionary, and its name by which it can be replaced.</summary>
    public (string Id, Markup Html) Line(MicroscopeDictionary dictionary) =>
        Line(dictionaries.Index().First(one => one.Item == dictionary).Index);

    private (string Id, Markup Html) Line(int index)
    {
        var (one, id) = (dictionaries[index], $"d{index}");
        var found = known(one);
        FeatureReport[] top = [.. found?.WholeTextTop.Take(Named) ?? []];
        var names = top.Length > 0 ? named(one, top.Select(feature => feature.Index)) : null;
        var there = link with { Dictionary = one, Feature = null, Pins = [] };
        return (
            id,
            Markup.Of(
                $"""
            <tr id="{id}"{Markup.Trusted(one == link.Dictionary ? " class=\"chosen\"" : "")}><td>{one.Layer}</td><td class="name"><a href="{there.Address}" data-in-place title="{one.Name}">{titles[model, one.Name].WithoutLayer}</a></td><td class="n">{Number(found, found?.MeanL0, "0.0")}</td><td class="n">{Number(found, 1 - found?.Fvu, "0.000")}</td><td class="wide">{top.Select(feature =>
                Markup.Of($"<a href=\"{(there with { Feature = feature.Index }).Address}\" data-in-place{names!.Card(feature.Index)}><span class=\"index\">#{feature.Index}</span> {names!.Name(feature.Index, 3)}</a> "))}</td></tr>

            """
            )
        );
    }

    private static string Number(TextAnalysis? found, double? value, string format) =>
        found is null ? "…" : value?.ToString(format, CultureInfo.InvariantCulture) ?? "undefined";
}

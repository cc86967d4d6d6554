using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Which of many dictionaries make a set of transcoders: those of one family, and of several of one layer the sparsest.</summary>
public static partial class TranscoderChoice
{
    /// <summary>Of the transcoders among some dictionaries those that belong together: alike but for the layer and the L0 in their names. Of
    /// several families the one of the most layers, or the first; none where there is no transcoder.</summary>
    /// <param name="dictionaries">Dictionaries of any kind.</param>
    public static IReadOnlyList<SparseDictionary> Family(IReadOnlyList<SparseDictionary> dictionaries)
    {
        ArgumentNullException.ThrowIfNull(dictionaries);
        return
        [
            .. dictionaries
                .Where(IsTranscoder)
                .GroupBy(one => (one.Kind, one.Width, LayerAndL0().Replace(one.Name, "")))
                .Select(family => Sparsest([.. family], []))
                .OrderByDescending(family => family.Sum(one => one.InputSites.Count))
                .FirstOrDefault([])
                // Two of a layer that no L0 tells apart, or two that cover all layers.
                .DistinctBy(one => one.InputSite.Layer),
        ];
    }

    /// <summary>Whether it reads an MLP's input, or what it is made of, and writes the MLP's output.</summary>
    internal static bool IsTranscoder(SparseDictionary one) =>
        one.HasSites && one.OutputSites.All(site => site.Kind == SiteKind.MlpOut) && one.InputSite != one.OutputSite;

    /// <summary>Of several of one layer the one with the lowest L0 in its name (METHODS §4.5), if all have one.</summary>
    /// <param name="found">Transcoders.</param>
    /// <param name="notes">Told of every choice.</param>
    internal static List<SparseDictionary> Sparsest(IReadOnlyList<SparseDictionary> found, List<string> notes)
    {
        var chosen = new List<SparseDictionary>();
        foreach (var layer in found.GroupBy(one => one is { HasSites: true, InputSites.Count: 1 } ? one.InputSite.Layer : null))
        {
            SparseDictionary[] ranked = [.. layer.OrderBy(one => L0(one.Name) ?? int.MaxValue)];
            if (layer.Key is null || ranked.Length == 1 || ranked.Any(one => L0(one.Name) is null))
            {
                chosen.AddRange(ranked);
                continue;
            }
            chosen.Add(ranked[0]);
            notes.Add($"layer {layer.Key}: of {ranked.Length} transcoders the sparsest is used, {ranked[0].Name}");
        }
        return chosen;
    }

    /// <summary>The L0 in a name, as Gemma Scope 1 (<c>average_l0_71</c>) and others (<c>l0_29</c>) write it.</summary>
    internal static int? L0(string name) =>
        NamedL0().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"(?:^|[-_/])l0_(\d{1,6})(?=$|[-_/])")]
    private static partial Regex NamedL0();

    [GeneratedRegex(@"layer_\d+|(average_)?l0_\d+")]
    private static partial Regex LayerAndL0();
}

using System.Globalization;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>The paths by which Gemma Scope names dictionaries, for ones of our own (METHODS §2.3, §3.2).</summary>
public static class DictionaryFolder
{
    /// <summary>
    /// The folder of a dictionary inside a repository: <c>resid_post/layer_3/width_2k/average_l0_24</c> for the forms of Gemma Scope 1 and
    /// SAELens,
    /// <c>resid_post/layer_3_width_2k_l0_24</c> for that of Gemma Scope 2.
    /// </summary>
    /// <param name="dictionary">The dictionary, with known sites.</param>
    /// <param name="l0">Its measured mean L0.</param>
    /// <param name="form">The form it is written in.</param>
    /// <param name="digits">Digits of L0 behind the point, to tell two dictionaries apart.</param>
    public static string Of(SparseDictionary dictionary, double l0, DictionaryForm form, int digits = 0)
    {
        var (site, width, level) = (
            SiteFolder(dictionary),
            WidthLabel(dictionary.Width),
            l0.ToString($"F{digits}", CultureInfo.InvariantCulture)
        );
        var layers = string.Join('_', dictionary.InputSites.Select(one => one.Layer ?? 0));
        if (dictionary.Kind == DictionaryKind.CrossLayerTranscoder)
            return $"{site}/width_{width}_l0_{level}{Affine(dictionary)}";
        return form == DictionaryForm.Scope2
            ? $"{site}/layer_{layers}_width_{width}_l0_{level}{Affine(dictionary)}"
            : $"{site}/layer_{layers}/width_{width}/average_l0_{level}";
    }

    /// <summary>The form that says most of a dictionary: that of Gemma Scope 1 or 2 where it is one of their kinds, else that of
    /// SAELens.</summary>
    public static DictionaryForm FormOf(SparseDictionary dictionary)
    {
        if (dictionary.Kind is DictionaryKind.Crosscoder or DictionaryKind.CrossLayerTranscoder)
            return DictionaryForm.Scope2;
        if (
            dictionary.Activation is not (ActivationFunction.JumpRelu or ActivationFunction.Relu)
            || dictionary.InputWidth != dictionary.OutputWidth
        )
            return DictionaryForm.SaeLens;
        var skip = dictionary.Kind == DictionaryKind.SkipTranscoder;
        if (
            dictionary is { Kind: DictionaryKind.Sae, InputSite.Kind: SiteKind.ResidPost or SiteKind.MlpOut or SiteKind.Z }
            || (
                dictionary is { InputSite: { Kind: SiteKind.Ln2Normalized, Layer: var layer }, OutputSite.Kind: SiteKind.MlpOut }
                && dictionary.OutputSite.Layer == layer
                && !skip
            )
        )
            return DictionaryForm.Scope1;
        return dictionary.InputSite.HuggingFaceName is not null && dictionary.OutputSite.HuggingFaceName is not null
            ? DictionaryForm.Scope2
            : DictionaryForm.SaeLens;
    }

    /// <summary>Width as the field shortens it: 2048 is 2k, 65,536 is 65k, 1,048,576 is 1m.</summary>
    public static string WidthLabel(int width) =>
        width switch
        {
            >= 1_000_000 => $"{width / 1_000_000}m",
            >= 1000 => $"{width / 1000}k",
            _ => $"{width}",
        };

    private static string SiteFolder(SparseDictionary dictionary) =>
        dictionary.Kind switch
        {
            DictionaryKind.Crosscoder => "crosscoder",
            DictionaryKind.CrossLayerTranscoder => "clt",
            DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder => "transcoder",
            _ => dictionary.InputSite.ToString().Split('.')[0],
        };

    private static string Affine(SparseDictionary dictionary) =>
        dictionary is LayerDictionary { Weights.Skip: not null } || dictionary.Kind == DictionaryKind.SkipTranscoder ? "_affine" : "";
}

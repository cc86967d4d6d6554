using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>Writes single-layer dictionaries as SAELens 6 reads them: sae_weights.safetensors and cfg.json.</summary>
internal static class SaeLensWriter
{
    public static Action<string> Make(LayerDictionary dictionary, DictionaryWriteOptions options, CancellationToken cancellationToken)
    {
        var architecture = Architecture(dictionary);
        var layer = new WritableLayer(dictionary, options, inputScale: 1, maySubtract: dictionary.Kind == DictionaryKind.Sae);
        if (layer.KeepsNegative && Array.FindIndex(layer.Threshold!, value => value < 0) is >= 0 and var below)
            throw ScopeWriter.Refused(
                dictionary,
                "SAELens",
                $"the threshold of feature {below} is below 0, and SAELens lets no negative activation through"
            );
        if (layer.MagnitudeLog?.Any(value => !float.IsFinite(value)) ?? false)
            throw ScopeWriter.Refused(dictionary, "SAELens", "e^r_mag of a feature is 0 or infinite");
        return target =>
        {
            SafetensorsWriter.Write(
                Path.Combine(target, SaeLensReader.WeightsFile),
                Tensors(dictionary, layer),
                cancellationToken: cancellationToken
            );
            DictionaryWriter.WriteJson(
                Path.Combine(target, SaeLensReader.ConfigFile),
                json => Config(json, dictionary, layer, architecture, options)
            );
        };
    }

    private static string Architecture(LayerDictionary dictionary)
    {
        var function = dictionary.Activation switch
        {
            ActivationFunction.JumpRelu => "jumprelu",
            ActivationFunction.TopK => "topk",
            ActivationFunction.Gated => "gated",
            _ => "standard",
        };
        if (dictionary.Kind == DictionaryKind.Sae && dictionary.Weights.Skip is null)
            return function;
        if (function is "topk" or "gated")
            throw ScopeWriter.Refused(dictionary, "SAELens", $"it knows no {function} transcoder");
        return (function == "jumprelu" ? "jumprelu_" : "") + (dictionary.Weights.Skip is null ? "transcoder" : "skip_transcoder");
    }

    private static IEnumerable<TensorSource> Tensors(LayerDictionary dictionary, WritableLayer layer)
    {
        yield return layer.Encoder("W_enc");
        yield return layer.Decoder("W_dec");
        // Applied transposed, the opposite of Gemma Scope's (METHODS §3.2).
        if (dictionary.Weights.Skip is not null)
            yield return layer.Skip("W_skip", transposed: true);
        (string, float[]?)[] vectors =
        [
            ("b_dec", layer.DecoderBias),
            ("b_enc", layer.EncoderBias),
            ("threshold", dictionary.Activation == ActivationFunction.JumpRelu ? layer.Threshold : null),
            ("b_gate", layer.GateBias),
            ("b_mag", layer.MagnitudeBias),
            ("r_mag", layer.MagnitudeLog),
        ];
        foreach (var (name, values) in vectors)
            if (values is not null)
                yield return WritableLayer.Vector(name, values);
    }

    private static void Config(
        Utf8JsonWriter json,
        LayerDictionary dictionary,
        WritableLayer layer,
        string architecture,
        DictionaryWriteOptions options
    )
    {
        json.WriteString("architecture", architecture);
        json.WriteNumber("d_in", dictionary.InputWidth);
        json.WriteNumber("d_sae", dictionary.Width);
        if (architecture.EndsWith("transcoder", StringComparison.Ordinal))
            json.WriteNumber("d_out", dictionary.OutputWidth);
        json.WriteString("dtype", options.Type == DType.BF16 ? "bfloat16" : "float32");
        json.WriteString("device", "cpu");
        json.WriteBoolean("apply_b_dec_to_input", layer.Subtracts);
        json.WriteString("normalize_activations", Normalisation(dictionary.Weights.Scaling));
        json.WriteString("reshape_activations", dictionary is { HasSites: true, InputSite.Kind: SiteKind.Z } ? "hook_z" : "none");
        if (dictionary.K is { } k)
        {
            json.WriteNumber("k", k);
            json.WriteBoolean("rescale_acts_by_decoder_norm", false);
        }
        json.WriteStartObject("metadata");
        if (dictionary.Origin.Model is { } model)
            json.WriteString("model_name", model);
        if (dictionary.HasSites)
        {
            json.WriteString("hook_name", Hook(dictionary.InputSite));
            if (dictionary.OutputSite != dictionary.InputSite)
                json.WriteString("hook_name_out", Hook(dictionary.OutputSite));
            json.WriteNull("hook_head_index");
        }
        json.WriteBoolean("prepend_bos", true);
        json.WriteEndObject();
    }

    private static string Normalisation(InputScaling scaling) =>
        scaling == InputScaling.ConstantNorm ? "constant_norm_rescale"
        : scaling == InputScaling.LayerNorm ? "layer_norm"
        : "none";

    // A site that TransformerLens has no hook for keeps a name it does not know: better an error there than another site's numbers.
    private static string Hook(Site site) => site.TransformerLensName ?? site.ToString();
}

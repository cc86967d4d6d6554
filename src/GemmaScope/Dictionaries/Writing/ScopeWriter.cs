using System.Globalization;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>Writes single-layer dictionaries in the forms of Gemma Scope 1 and 2 (METHODS §2.3, §3.2).</summary>
internal static class ScopeWriter
{
    /// <summary>Gemma Scope 1: params.npz. Where its path says sites, they must be the dictionary's.</summary>
    public static Action<string> One(
        LayerDictionary dictionary,
        string folder,
        DictionaryWriteOptions options,
        CancellationToken cancellationToken
    )
    {
        Require(dictionary, "Gemma Scope 1");
        if (dictionary.Weights.Skip is not null)
            throw Refused(dictionary, "Gemma Scope 1", "it has a skip connection");
        if (options.Type != DType.F32)
            throw Refused(dictionary, "Gemma Scope 1", "NumPy has no bfloat16; write f32");
        // A folder that is not there yet would be taken for a file's name.
        var sites = DictionaryPath.Parse(Path.Combine(folder, DictionaryLoader.ScopeOneFile)).SitesOne().Sites;
        if (sites is [var input, var output] && dictionary.HasSites && (input, output) != (dictionary.InputSite, dictionary.OutputSite))
            throw Refused(
                dictionary,
                "Gemma Scope 1",
                $"this path means one that reads {input}, and it reads {dictionary.InputSite}; choose another folder"
            );
        // Readers of this form scale the input of embedding dictionaries by themselves.
        var layer = Prepare(dictionary, options, sites is [{ Kind: SiteKind.Embed }, _] ? 1 / MathF.Sqrt(dictionary.InputWidth) : 1);
        return target =>
            NpzWriter.Write(
                Path.Combine(target, DictionaryLoader.ScopeOneFile),
                Tensors(layer, upper: true),
                cancellationToken: cancellationToken
            );
    }

    /// <summary>Gemma Scope 2: params.safetensors and config.json.</summary>
    public static Action<string> Two(LayerDictionary dictionary, DictionaryWriteOptions options, CancellationToken cancellationToken)
    {
        Require(dictionary, "Gemma Scope 2");
        var hooks = dictionary.HasSites
            ? (In: Hook(dictionary, dictionary.InputSite), Out: Hook(dictionary, dictionary.OutputSite))
            : ((string In, string Out)?)null;
        var layer = Prepare(dictionary, options, 1);
        var skip = dictionary.Weights.Skip is not null;
        return target =>
        {
            TensorSource[] tensors =
            [
                .. Tensors(layer, upper: false),
                .. skip ? (TensorSource[])[layer.Skip(ScopeReader.Skip, transposed: false)] : [],
            ];
            SafetensorsWriter.Write(Path.Combine(target, DictionaryLoader.ScopeTwoFile), tensors, cancellationToken: cancellationToken);
            DictionaryWriter.WriteJson(
                Path.Combine(target, "config.json"),
                json =>
                {
                    if (hooks is { } names)
                    {
                        json.WriteString("hf_hook_point_in", names.In);
                        json.WriteString("hf_hook_point_out", names.Out);
                    }
                    WriteConfig(json, dictionary, dictionary.Kind == DictionaryKind.Sae ? "sae" : "transcoder");
                }
            );
        };
    }

    /// <summary>The part of config.json that single- and multi-layer dictionaries share.</summary>
    public static void WriteConfig(Utf8JsonWriter json, SparseDictionary dictionary, string type)
    {
        json.WriteNumber("width", dictionary.Width);
        if (dictionary.Origin.Model is { } model)
            json.WriteString("model_name", model);
        json.WriteString("architecture", "jump_relu");
        if (
            (
                dictionary.Origin.L0
                ?? (
                    double.TryParse(dictionary.Origin.L0Label, NumberStyles.None, CultureInfo.InvariantCulture, out var label)
                        ? label
                        : null
                )
            ) is
            { } l0
        )
            json.WriteNumber("l0", l0);
        // One that was just trained has no file yet that says so, and what decodes otherwise with its input has no place here.
        json.WriteBoolean("affine_connection", dictionary.DecodesWithInput);
        json.WriteString("type", type);
    }

    /// <summary>The module path by which Gemma Scope 2 names a site.</summary>
    public static string Hook(SparseDictionary dictionary, Site site) =>
        site.HuggingFaceName
        ?? throw Refused(
            dictionary,
            "Gemma Scope 2",
            $"it names sites by modules, and none puts out {site}; a reader would feed it what the norm puts out, with its gain"
        );

    public static ArgumentProblemException Refused(SparseDictionary dictionary, string form, string reason) =>
        new($"cannot be written in the form of {form}: {reason}", dictionary.Name);

    private static WritableLayer Prepare(LayerDictionary dictionary, DictionaryWriteOptions options, float inputScale) =>
        new(dictionary, options, inputScale, maySubtract: false);

    /// <summary>f = z · (z &gt; θ) without regard to other features or to the row's scale, between vectors of one width.</summary>
    private static void Require(LayerDictionary dictionary, string form)
    {
        if (dictionary.Activation is not (ActivationFunction.JumpRelu or ActivationFunction.Relu))
            throw Refused(dictionary, form, $"it knows only JumpReLU, and {dictionary.Activation} is no threshold on one number");
        if (dictionary.Weights.Scaling.Factor is null)
            throw Refused(dictionary, form, "its input is scaled row by row, for which there is no place");
        if (dictionary.InputWidth != dictionary.OutputWidth)
            throw Refused(
                dictionary,
                form,
                $"it reads {dictionary.InputWidth} numbers and writes {dictionary.OutputWidth}, which must be equal"
            );
    }

    private static TensorSource[] Tensors(WritableLayer layer, bool upper) =>
        [
            layer.Encoder(upper ? "W_enc" : "w_enc"),
            layer.Decoder(upper ? "W_dec" : "w_dec"),
            WritableLayer.Vector("b_enc", layer.EncoderBias!),
            WritableLayer.Vector("b_dec", layer.DecoderBias),
            // ReLU and SAELens's JumpReLU let no negative z through, which is a threshold of at least 0.
            WritableLayer.Vector("threshold", [.. layer.Threshold!.Select(value => layer.KeepsNegative ? value : Math.Max(value, 0))]),
        ];
}

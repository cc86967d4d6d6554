using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads the transcoders of a circuit-tracer set: config.yaml, which names the hooks of all, and one layer_i.safetensors a layer with
/// W_enc [features, d], W_dec [features, d] or as older sets have it [d, features], b_enc, b_dec, perhaps W_skip [out, in] and, for
/// JumpReLU, activation_function.threshold. Each file is a dictionary of its own.
/// </summary>
internal static partial class TranscoderSetReader
{
    public const string ConfigFile = "config.yaml";

    private const string Threshold = "activation_function.threshold";

    private static readonly KeyAudit Audit = new("model_kind scan transcoders repo_id subfolder", "", Arithmetic());

    /// <summary>The layer in the name of one of the files, or null.</summary>
    public static int? LayerOf(string file) =>
        LayerFile().Match(Path.GetFileName(file)) is { Success: true } match
        && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var layer)
            ? layer
            : null;

    /// <summary>The files of a set in order of their layers; empty where the folder is none.</summary>
    public static string[] FilesIn(string folder) =>
        [
            .. Directory
                .EnumerateFiles(folder, "layer_*.safetensors")
                .Where(file => LayerOf(file) is not null)
                .OrderBy(file => LayerOf(file)),
        ];

    public static SparseDictionary Load(string file, DictionaryLoadOptions options)
    {
        var tensors = DictionaryTensors.Open(file, DictionaryLoader.Checks(options, file));
        try
        {
            return Read(file, tensors, options);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    private static LayerDictionary Read(string file, DictionaryTensors tensors, DictionaryLoadOptions options)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var config = File.Exists(Path.Combine(folder, ConfigFile)) ? YamlFile.Read(Path.Combine(folder, ConfigFile)).Watched() : null;
        var (width, model) = (tensors.Length("b_enc"), tensors.Length("b_dec"));
        const string reason = "by the biases";
        var encoder = tensors.Matrix("W_enc", [width, model], reason);
        var decoder = tensors.Shape("W_dec").SequenceEqual([(long)width, model])
            ? tensors.Matrix("W_dec", [width, model], reason)
            : tensors.Transposed("W_dec", [model, width], reason);
        var skips = tensors.Has("W_skip");
        var bias = tensors.Vector("b_enc", width);
        var selector = tensors.Has(Threshold)
            ? new ThresholdSelector(ActivationFunction.JumpRelu, bias, tensors.Vector(Threshold, width), keepNegative: true)
            : new ThresholdSelector(ActivationFunction.Relu, bias, new float[width], keepNegative: false);
        var weights = new DictionaryWeights(
            new FeatureEncoder(WeightView.Of(encoder, WeightLayout.OutIn), selector),
            new DecoderRows(decoder, 0, model, model),
            tensors.Vector("b_dec", model),
            SubtractsBias: false,
            InputScaling.None,
            skips ? WeightView.Of(tensors.Matrix("W_skip", [model, model], "by b_dec"), WeightLayout.OutIn) : null
        );
        tensors.RequireAllUsed("a transcoder of this form");
        List<string> warnings = [];
        var (kind, sites) = Sites(config, LayerOf(file)!.Value, skips, options, warnings);
        var repository = RepositoryName.Of(folder);
        var origin = new DictionaryOrigin
        {
            Path = file,
            Repository = repository,
            Model = config?.Text("model_name"),
            Layers = [LayerOf(file)!.Value],
            Architecture = selector.Function == ActivationFunction.JumpRelu ? "jumprelu" : "relu",
            Affine = skips,
            HasConfig = config is not null,
            Type = tensors.TypeOf("W_enc"),
        };
        if (config is not null)
            warnings.AddRange(Audit.Check(config, config));
        if (width == model)
            warnings.Add(
                "it has as many features as the model is wide, so that the orientation of W_dec cannot be told; [features, d] is assumed"
            );
        var name = $"{Path.GetFileName(folder)}/{Path.GetFileNameWithoutExtension(file)}";
        return new(new(name, CircuitTracerReader.Family, kind, [.. sites.Take(1)], [.. sites.Skip(1)], origin, warnings, tensors), weights);
    }

    private static (DictionaryKind, IReadOnlyList<Site>) Sites(
        JsonSection? config,
        int layer,
        bool skips,
        DictionaryLoadOptions options,
        List<string> warnings
    )
    {
        var (input, output) = (config?.Text("feature_input_hook"), config?.Text("feature_output_hook"));
        if (options.Site is { } chosen)
            return ScopeReader.Chosen(chosen, options, skips);
        var kind = skips ? DictionaryKind.SkipTranscoder : DictionaryKind.Transcoder;
        if (Hook(input, layer) is { } read && Hook(output, layer) is { } written)
            return (kind, [read, written]);
        warnings.Add(
            config is null
                ? $"no {ConfigFile} beside it says which site it reads; name a site to use the dictionary on a model"
                : $"{ConfigFile} names the hooks '{input}' and '{output}', which are no sites of Gemma that are known; name a site to use the "
                    + "dictionary on a model"
        );
        return (kind, []);
    }

    private static Site? Hook(string? name, int layer) =>
        name is not null && Site.TryParse($"blocks.{layer.ToString(CultureInfo.InvariantCulture)}.{name}", out var site) ? site : null;

    [GeneratedRegex(@"^layer_(\d{1,4})\.safetensors$")]
    private static partial Regex LayerFile();

    [GeneratedRegex("activ|norm|scal|bias|thresh|hook|skip|input|output|top", RegexOptions.IgnoreCase)]
    private static partial Regex Arithmetic();
}

using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads folders of EleutherAI's sparsify (cfg.json with sae.safetensors): the k largest of relu((x − b_dec) · W_encᵀ + b), decoded by
/// W_dec and b_dec; a transcoder subtracts nothing and may add x · W_skipᵀ. The site is the folder's name, a module of the model:
/// an SAE reconstructs what the module gives out, a transcoder predicts that from what goes in.
/// </summary>
internal static partial class SparsifyReader
{
    public const string Family = "sparsify",
        WeightsFile = "sae.safetensors",
        ConfigFile = "cfg.json";

    private const string Harmless = "expansion_factor normalize_decoder multi_topk init_b_dec_as_zeros hookpoint model dataset";

    private static readonly KeyAudit Audit = new(Harmless, "signed", Arithmetic());

    /// <summary>Whether a folder has this form.</summary>
    public static bool IsIn(string folder) =>
        File.Exists(Path.Combine(folder, WeightsFile)) && File.Exists(Path.Combine(folder, ConfigFile));

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        var config = JsonFile.Read(Path.Combine(folder, ConfigFile)).Watched();
        var file = Path.Combine(folder, WeightsFile);
        var tensors = DictionaryTensors.Open(file, DictionaryLoader.Checks(options, file));
        try
        {
            return Read(folder, config, tensors, options);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    private static LayerDictionary Read(string folder, JsonSection config, DictionaryTensors tensors, DictionaryLoadOptions options)
    {
        if (config.Text("activation") is { } activation and not "topk")
            throw config.Bad("activation", $"is '{activation}', which is not supported; known is topk");
        var (transcodes, skips) = (config.Flag("transcode") ?? false, config.Flag("skip_connection") ?? false);
        var (width, model) = (tensors.Length("encoder.bias"), tensors.Length("b_dec"));
        config.RequireSize("d_in", model);
        // 0 leaves it to expansion_factor.
        if (config.Integer("num_latents") is not 0)
            config.RequireSize("num_latents", width);
        var k = config.Integer("k") ?? throw config.Missing("k");
        if (k <= 0 || k > width)
            throw config.Bad("k", $"is {k}; it must be between 1 and the {width} latents");
        var encoder = tensors.Matrix("encoder.weight", [width, model], "by the biases");
        var decoder = tensors.Matrix("W_dec", [width, model], "by the biases");
        var weights = new DictionaryWeights(
            new FeatureEncoder(
                WeightView.Of(encoder, WeightLayout.OutIn),
                new TopKSelector(tensors.Vector("encoder.bias", width), k, scale: null)
            ),
            new DecoderRows(decoder, 0, model, model),
            tensors.Vector("b_dec", model),
            SubtractsBias: !transcodes,
            InputScaling.None,
            skips ? WeightView.Of(tensors.Matrix("W_skip", [model, model], "by b_dec"), WeightLayout.OutIn) : null
        );
        tensors.RequireAllUsed("a dictionary of this configuration");
        var (kind, sites) = Sites(folder, transcodes, skips, options);
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        IReadOnlyList<string> unknown =
            sites.Count > 0
                ? []
                : [$"the folder's name, '{name}', is no module of Gemma that has a site; name a site to use the dictionary on a model"];
        var origin = new DictionaryOrigin
        {
            Path = folder,
            Repository = RepositoryName.Of(folder),
            Layers = sites is [{ Layer: { } layer }, _] ? [layer] : [],
            Architecture = "topk",
            Affine = skips,
            HasConfig = true,
            Type = tensors.TypeOf("W_dec"),
        };
        return new(
            new(name, Family, kind, [.. sites.Take(1)], [.. sites.Skip(1)], origin, [.. Audit.Check(config, config), .. unknown], tensors),
            weights
        );
    }

    private static (DictionaryKind, IReadOnlyList<Site>) Sites(string folder, bool transcodes, bool skips, DictionaryLoadOptions options)
    {
        var kind =
            !transcodes && !skips ? DictionaryKind.Sae
            : skips ? DictionaryKind.SkipTranscoder
            : DictionaryKind.Transcoder;
        if (options.Site is { } chosen)
            return ScopeReader.Chosen(chosen, options, skips);
        var module = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        if (!Site.TryParse(module, out var output))
            return (kind, []);
        if (!transcodes)
            return (kind, [output, output]);
        return Site.TryParse($"{module}.input", out var input) ? (kind, [input, output]) : (kind, []);
    }

    [GeneratedRegex("activ|norm|scal|bias|k$|skip|transcod|top|group|thresh|latent|d_in|d_out", RegexOptions.IgnoreCase)]
    private static partial Regex Arithmetic();
}

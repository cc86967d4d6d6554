using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads single-layer dictionaries of Gemma Scope 1 (params.npz) and 2 (params.safetensors with config.json): JumpReLU,
/// nothing subtracted from x, x̂ = f W_dec + b_dec (+ x · affine_skip_connection, un-transposed) (METHODS §2.3, §3.2).
/// </summary>
internal static class ScopeReader
{
    public const string FamilyOne = "Gemma Scope 1",
        FamilyTwo = "Gemma Scope 2";

    public const string Skip = "affine_skip_connection";

    /// <summary>A file of Gemma Scope 1.</summary>
    public static SparseDictionary LoadOne(string file, DictionaryLoadOptions options)
    {
        var path = DictionaryPath.Parse(file);
        return Load(
            file,
            options,
            tensors =>
            {
                var (kind, sites) = options.Site is { } site ? Chosen(site, options, affine: false) : path.SitesOne();
                var scale = sites is [{ Kind: SiteKind.Embed }, _] ? 1 / MathF.Sqrt(tensors.Length("b_dec")) : 1;
                var weights = Weights(tensors, "W_enc", "W_dec", InputScaling.By(scale), affine: false);
                return (weights, Describe(FamilyOne, path, kind, sites, tensors, Origin(file, path, tensors, "W_enc")));
            }
        );
    }

    /// <summary>A file of Gemma Scope 2.</summary>
    public static SparseDictionary LoadTwo(string file, DictionaryLoadOptions options)
    {
        var path = DictionaryPath.Parse(file);
        var config = ScopeConfig.Find(Path.GetDirectoryName(Path.GetFullPath(file))!);
        return Load(
            file,
            options,
            tensors =>
            {
                var affine = tensors.Has(Skip);
                if (!affine && (config?.Affine ?? path.Affine))
                    throw new FileFormatException(
                        $"{(config is null ? "the path" : "config.json")} announces an affine connection but {Skip} is missing",
                        file
                    );
                if (affine && config?.Affine is false)
                    throw new FileFormatException($"config.json says that affine_connection is false, but {Skip} is there", file);
                var weights = Weights(tensors, "w_enc", "w_dec", InputScaling.None, affine);
                config?.RequireWidth(weights.Encoder.Features);
                var (kind, sites) = SitesTwo(path, config, affine, options);
                var origin = Origin(file, path, tensors, "w_enc") with
                {
                    Model = config?.Model ?? path.Model,
                    L0 = config?.L0,
                    Architecture = config?.Architecture,
                    Affine = affine,
                    HasConfig = config is not null,
                };
                return (weights, Describe(FamilyTwo, path, kind, sites, tensors, origin, config?.Warnings ?? []));
            }
        );
    }

    private static LayerDictionary Load(
        string file,
        DictionaryLoadOptions options,
        Func<DictionaryTensors, (DictionaryWeights, DictionaryDescription)> read
    )
    {
        var tensors = DictionaryTensors.Open(file, DictionaryLoader.Checks(options, file));
        try
        {
            var (weights, description) = read(tensors);
            return new LayerDictionary(description, weights);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    private static DictionaryWeights Weights(DictionaryTensors tensors, string encoder, string decoder, InputScaling scaling, bool affine)
    {
        const string reason = "by the decoder and the biases";
        var (width, model) = (tensors.Length("b_enc"), tensors.Length("b_dec"));
        var enc = tensors.Matrix(encoder, [model, width], $"by {decoder} and the biases");
        var dec = tensors.Matrix(decoder, [width, model], "by the biases");
        var selector = new ThresholdSelector(
            ActivationFunction.JumpRelu,
            tensors.Vector("b_enc", width),
            tensors.Vector("threshold", width),
            keepNegative: true
        );
        WeightView? skip = affine ? WeightView.Of(tensors.Matrix(Skip, [model, model], reason), WeightLayout.InOut) : null;
        var weights = new DictionaryWeights(
            new FeatureEncoder(WeightView.Of(enc, WeightLayout.InOut), selector),
            new DecoderRows(dec, 0, model, model),
            tensors.Vector("b_dec", model),
            SubtractsBias: false,
            scaling,
            skip
        );
        tensors.RequireAllUsed("a dictionary of Gemma Scope");
        return weights;
    }

    private static DictionaryOrigin Origin(string file, DictionaryPath path, DictionaryTensors tensors, string encoder) =>
        new()
        {
            Path = file,
            Repository = path.Repository,
            Model = path.Model,
            Layers = path.Layers,
            WidthLabel = path.WidthLabel,
            L0Label = path.L0Label,
            Type = tensors.TypeOf(encoder),
        };

    private static DictionaryDescription Describe(
        string family,
        DictionaryPath path,
        DictionaryKind kind,
        IReadOnlyList<Site> sites,
        DictionaryTensors tensors,
        DictionaryOrigin origin,
        params IReadOnlyList<string> known
    )
    {
        IReadOnlyList<string> warnings =
            sites.Count > 0
                ? known
                :
                [
                    .. known,
                    "neither the path nor a configuration says which site this dictionary reads; it is taken for an SAE until a site is "
                        + "named",
                ];
        return new DictionaryDescription(path.Name, family, kind, [.. sites.Take(1)], [.. sites.Skip(1)], origin, warnings, tensors);
    }

    private static (DictionaryKind, IReadOnlyList<Site>) SitesTwo(
        DictionaryPath path,
        ScopeConfig? config,
        bool affine,
        DictionaryLoadOptions options
    )
    {
        if (options.Site is { } site)
            return Chosen(site, options, affine);
        if (config?.Sites(path.Layers) is not { } told)
            return path.SitesTwo(affine);
        var transcoder = config.Type is { } type ? type == "transcoder" : told.Inputs[0] != told.Outputs[0];
        if (told.Inputs.Count != 1 || told.Outputs.Count != 1)
            throw config.Bad("hf_hook_point_in", $"names {told.Inputs.Count} sites and one file of weights serves one");
        if (!transcoder && told.Inputs[0] != told.Outputs[0])
            throw config.Bad("type", $"is '{config.Type}', but it reads {told.Inputs[0]} and writes {told.Outputs[0]}");
        var kind =
            !transcoder ? DictionaryKind.Sae
            : affine ? DictionaryKind.SkipTranscoder
            : DictionaryKind.Transcoder;
        return (kind, [told.Inputs[0], told.Outputs[0]]);
    }

    /// <summary>The sites a caller names. A site that only feeds an MLP makes a transcoder, whose output is the MLP's.</summary>
    internal static (DictionaryKind, IReadOnlyList<Site>) Chosen(Site site, DictionaryLoadOptions options, bool affine)
    {
        var output =
            options.OutputSite
            ?? (site.Kind is SiteKind.Ln2Normalized or SiteKind.MlpIn or SiteKind.ResidMid ? Site.MlpOut(site.Layer!.Value) : site);
        return (
            output == site ? DictionaryKind.Sae
            : affine ? DictionaryKind.SkipTranscoder
            : DictionaryKind.Transcoder,
            [site, output]
        );
    }
}

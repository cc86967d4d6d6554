using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads cross-layer transcoders in circuit-tracer's form, as the public 426K and 2.5M ones of Gemma 2 2B (METHODS §4.4): a pair of files a
/// layer, W_enc_i.safetensors with W_enc_i [features, d], b_enc_i, b_dec_i and perhaps threshold_i (without it ReLU), and
/// W_dec_i.safetensors with
/// W_dec_i [features, layers − i, d], the targets from the own layer on. They read resid_mid, before the norm, and write mlp_out.
/// </summary>
internal static class CircuitTracerReader
{
    public const string Family = "circuit-tracer",
        FirstFile = "W_enc_0.safetensors";

    private const string Encoder = "W_enc_",
        Decoder = "W_dec_",
        Suffix = ".safetensors";

    /// <summary>Whether a file is one of the pairs.</summary>
    public static bool IsPart(string file) =>
        Path.GetFileName(file) is var name
        && name.EndsWith(Suffix, StringComparison.Ordinal)
        && (name.StartsWith(Encoder, StringComparison.Ordinal) || name.StartsWith(Decoder, StringComparison.Ordinal));

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        if (options.Site is not null)
            throw new ArgumentProblemException(
                "cannot be chosen for a dictionary of several layers; those of this form read resid_mid",
                "site"
            );
        var layers = Directory.EnumerateFiles(folder, Encoder + "*" + Suffix).Count();
        var files = Enumerable
            .Range(0, layers)
            .Select(i => (Encoder: Part(folder, Encoder, i), Decoder: Part(folder, Decoder, i)))
            .ToArray();
        var check = DictionaryLoader.Checks(options, [.. files.SelectMany(pair => (string[])[pair.Encoder, pair.Decoder])]);
        var open = new FileSet();
        try
        {
            var blocks = new LayerBlock[layers];
            var start = 0;
            for (var i = 0; i < layers; i++)
            {
                var (encoder, decoder) = (open.Opened(files[i].Encoder, check), open.Opened(files[i].Decoder, check));
                blocks[i] = Block(encoder, decoder, i, layers, start, i == 0 ? null : blocks[0].Bias.Length);
                start = checked(start + blocks[i].Encoder.Features);
            }
            return new MultiLayerDictionary(Describe(folder, layers, open), blocks);
        }
        catch
        {
            open.Dispose();
            throw;
        }
    }

    private static string Part(string folder, string prefix, int layer) =>
        Path.Combine(folder, $"{prefix}{layer}{Suffix}") is var file && File.Exists(file)
            ? file
            : throw new FileFormatException($"{prefix}{layer}{Suffix} is missing; each layer needs its {Encoder}i and {Decoder}i", folder);

    private static LayerBlock Block(DictionaryTensors encoder, DictionaryTensors decoder, int layer, int layers, int start, int? model)
    {
        var (width, own) = (encoder.Length($"b_enc_{layer}"), encoder.Length($"b_dec_{layer}"));
        if (model is not null && own != model)
            throw new FileFormatException($"layer {layer} has model width {own}, layer 0 {model}", encoder.Path);
        foreach (var skip in (string[])["W_skip", $"W_skip_{layer}"])
            if (encoder.Has(skip))
                throw new FileFormatException(
                    $"{skip}: a skip connection is not known in this form, and left out it would make results wrong",
                    encoder.Path
                );
        var weights = encoder.Matrix($"W_enc_{layer}", [width, own], "by the biases");
        var vectors = decoder.Matrix($"W_dec_{layer}", [width, layers - layer, own], "by the biases and the number of files");
        var (bias, threshold) = (encoder.Vector($"b_enc_{layer}", width), $"threshold_{layer}");
        var selector = encoder.Has(threshold)
            ? new ThresholdSelector(ActivationFunction.JumpRelu, bias, encoder.Vector(threshold, width), keepNegative: true)
            : new ThresholdSelector(ActivationFunction.Relu, bias, new float[width], keepNegative: false);
        var stride = (long)(layers - layer) * own;
        return new LayerBlock(
            new FeatureEncoder(WeightView.Of(weights, WeightLayout.OutIn), selector),
            start,
            [.. Enumerable.Range(0, layers).Select(t => t < layer ? null : new DecoderRows(vectors, (long)(t - layer) * own, stride, own))],
            encoder.Vector($"b_dec_{layer}", own),
            Skip: null
        );
    }

    private static DictionaryDescription Describe(string folder, int layers, FileSet open)
    {
        var repository = RepositoryName.Of(folder);
        Site[] inputs = [.. Enumerable.Range(0, layers).Select(Site.ResidMid)],
            outputs = [.. Enumerable.Range(0, layers).Select(Site.MlpOut)];
        var released = DictionaryCatalogue.BuiltIn.TryFind(repository, out var entry) ? entry : null;
        var origin = new DictionaryOrigin
        {
            Path = folder,
            Repository = repository,
            Model = released?.Model,
            Layers = [.. Enumerable.Range(0, layers)],
            WidthLabel = released?.Width,
            Type = open[0].TypeOf("W_enc_0"),
        };
        return new DictionaryDescription(
            repository.Split('/')[^1],
            Family,
            DictionaryKind.CrossLayerTranscoder,
            inputs,
            outputs,
            origin,
            [],
            open
        );
    }
}

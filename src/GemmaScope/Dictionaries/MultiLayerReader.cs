using System.Globalization;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads crosscoders and cross-layer transcoders of Gemma Scope 2: one params_layer_i.safetensors a layer, with w_dec
/// [features of the layer, layers, d] by absolute target layer. The part towards earlier layers is never read.
/// </summary>
internal static class MultiLayerReader
{
    public const string FirstFile = "params_layer_0.safetensors";

    private const string Prefix = "params_layer_",
        Suffix = ".safetensors",
        Skip = "affine_skip_connection";

    /// <summary>The layer number in a file's name, or null.</summary>
    public static int? LayerOf(string file)
    {
        var name = Path.GetFileName(file);
        return
            name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(Suffix, StringComparison.Ordinal)
            && int.TryParse(
                name.AsSpan(Prefix.Length, Math.Max(0, name.Length - Prefix.Length - Suffix.Length)),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var layer
            )
            ? layer
            : null;
    }

    /// <summary>The name of a layer's file.</summary>
    public static string FileOf(int layer) => $"{Prefix}{layer.ToString(CultureInfo.InvariantCulture)}{Suffix}";

    /// <summary>The layer files of a folder by number.</summary>
    public static SortedDictionary<int, string> FilesIn(string folder)
    {
        var files = new SortedDictionary<int, string>();
        foreach (var file in Directory.EnumerateFiles(folder, Prefix + "*" + Suffix))
            if (LayerOf(file) is { } layer)
                files[layer] = file;
        return files;
    }

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        var files = FilesIn(folder);
        var path = DictionaryPath.Parse(folder);
        var config = ScopeConfig.Find(folder);
        var open = new FileSet();
        try
        {
            var check = DictionaryLoader.Checks(options, [.. files.Values]);
            foreach (var file in files.Values)
                open.Opened(file, check);
            RequireComplete(folder, files, open);
            var blocks = Blocks(open, config, path);
            var features = blocks[^1].Start + blocks[^1].Encoder.Features;
            config?.RequireWidth(features);
            return new MultiLayerDictionary(Describe(folder, path, config, open, blocks, options), blocks);
        }
        catch
        {
            open.Dispose();
            throw;
        }
    }

    /// <summary>Every layer that the decoders write must have its file, and the reverse.</summary>
    private static void RequireComplete(string folder, SortedDictionary<int, string> files, FileSet open)
    {
        var covered = open.Select(Covered).ToArray();
        var layers = MostFrequent(covered);
        for (var i = 0; i < Math.Max(files.Keys.Max() + 1, Math.Min(layers, files.Count + 1)); i++)
            if (!files.ContainsKey(i))
                throw new FileFormatException($"{Prefix}{i}{Suffix} is missing (w_dec covers {layers} layers)", folder);
        for (var i = 0; i < open.Count; i++)
            if (covered[i] != open.Count)
                throw new FileFormatException(
                    $"w_dec of layer {i} covers {covered[i]} target layers but there are {open.Count} files",
                    open[i].Path
                );
        var models = open.Select(tensors => tensors.Shape("w_enc")[0]).ToArray();
        var model = MostFrequent(models);
        for (var i = 0; i < models.Length; i++)
            if (models[i] != model)
                throw new FileFormatException($"layer {i} has model width {models[i]}, the other layers {model}", open[i].Path);
    }

    private static int Covered(DictionaryTensors tensors)
    {
        var shape = tensors.Shape("w_dec");
        if (tensors.Shape("w_enc").Length != 2)
            throw new FileFormatException("w_enc is no matrix [d, features]", tensors.Path);
        return shape.Length == 3 && shape[1] is > 0 and <= 1024
            ? (int)shape[1]
            : throw new FileFormatException($"w_dec has shape {FileChecks.Format(shape)}, [features, layers, d] is needed", tensors.Path);
    }

    private static T MostFrequent<T>(IEnumerable<T> values) => values.GroupBy(value => value).MaxBy(group => group.Count())!.Key;

    private static LayerBlock[] Blocks(FileSet open, ScopeConfig? config, DictionaryPath path)
    {
        var blocks = new LayerBlock[open.Count];
        var start = 0;
        for (var l = 0; l < blocks.Length; l++)
        {
            if (!open[l].Has(Skip) && (config?.Affine ?? path.Affine))
                throw new FileFormatException(
                    $"{(config is null ? "the path" : "config.json")} announces an affine connection but {Skip} is missing",
                    open[l].Path
                );
            blocks[l] = Block(open[l], l, blocks.Length, start);
            start = checked(start + blocks[l].Encoder.Features);
        }
        return blocks;
    }

    private static LayerBlock Block(DictionaryTensors tensors, int layer, int layers, int start)
    {
        var (width, model) = (tensors.Length("b_enc"), tensors.Length("b_dec"));
        var encoder = tensors.Matrix("w_enc", [model, width], "by w_dec and the biases");
        var decoder = tensors.Shaped("w_dec", [width, layers, model], "by the biases and the number of files");
        if (!decoder.Type.IsWeightType())
            throw new FileFormatException($"w_dec has type {decoder.Type}; F32, BF16 and F16 are supported", tensors.Path);
        RequireFiniteTargets(tensors, decoder, layer);
        var selector = new ThresholdSelector(
            ActivationFunction.JumpRelu,
            tensors.Vector("b_enc", width),
            tensors.Vector("threshold", width),
            keepNegative: true
        );
        var block = new LayerBlock(
            new FeatureEncoder(WeightView.Of(encoder, WeightLayout.InOut), selector),
            start,
            [
                .. Enumerable
                    .Range(0, layers)
                    .Select(t => t < layer ? null : new DecoderRows(decoder, (long)t * model, (long)layers * model, model)),
            ],
            tensors.Vector("b_dec", model),
            tensors.Has(Skip) ? WeightView.Of(tensors.Matrix(Skip, [model, model], "by the biases"), WeightLayout.InOut) : null
        );
        tensors.RequireAllUsed("a dictionary of Gemma Scope");
        return block;
    }

    /// <summary>Looks only at the targets that are used: the rest is never read into memory.</summary>
    private static unsafe void RequireFiniteTargets(DictionaryTensors tensors, Tensor decoder, int layer)
    {
        var (width, layers, model) = (decoder.Shape[0], decoder.Shape[1], decoder.Shape[2]);
        for (long i = 0; i < width; i++)
        {
            var first = decoder.Pointer + (i * layers + layer) * model * decoder.Type.Size();
            tensors.RequireFinite($"w_dec of feature {i}", Tensor.Borrow(first, decoder.Type, [layers - layer, model], decoder));
        }
    }

    private static DictionaryDescription Describe(
        string folder,
        DictionaryPath path,
        ScopeConfig? config,
        FileSet open,
        LayerBlock[] blocks,
        DictionaryLoadOptions options
    )
    {
        var layers = path.Layers.Count == blocks.Length ? path.Layers : [.. Enumerable.Range(0, blocks.Length)];
        var crosscoder = (config?.Type ?? path.SiteFolder) switch
        {
            "crosscoder" => true,
            "clt" or "cross_layer_transcoder" => false,
            var other => throw new FileFormatException(
                "cannot tell a crosscoder from a cross-layer transcoder "
                    + $"({other ?? "neither the folder's name nor config.json says it"}); keep the repository's folder names or add "
                    + "config.json with \"type\"",
                folder
            ),
        };
        if (options.Site is not null)
            throw new ArgumentProblemException(
                "cannot be chosen for a dictionary of several layers; its config.json or path says them",
                "site"
            );
        var (inputs, outputs) = config?.Sites(layers) ?? DictionaryPath.SitesOfLayers(crosscoder, layers);
        if (inputs.Count != blocks.Length || outputs.Count != blocks.Length)
            throw new FileFormatException(
                $"config.json names {inputs.Count} input and {outputs.Count} output sites, there are {blocks.Length} layers",
                folder
            );
        var origin = new DictionaryOrigin
        {
            Path = folder,
            Repository = path.Repository,
            Model = config?.Model ?? path.Model,
            Layers = [.. inputs.Select(site => site.Layer ?? 0)],
            WidthLabel = path.WidthLabel,
            L0Label = path.L0Label,
            L0 = config?.L0,
            Architecture = config?.Architecture,
            Affine = blocks.Any(block => block.Skip is not null),
            HasConfig = config is not null,
            Type = open[0].TypeOf("w_enc"),
        };
        var kind = crosscoder ? DictionaryKind.Crosscoder : DictionaryKind.CrossLayerTranscoder;
        return new DictionaryDescription(path.Name, ScopeReader.FamilyTwo, kind, inputs, outputs, origin, config?.Warnings ?? [], open);
    }
}

using System.Globalization;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>
/// Lenses in files. Our form is safetensors: <c>J.{layer}</c> [d, d], or <c>A.{layer}</c> [d, d] and <c>b.{layer}</c> [d], and what is
/// known of the lens as metadata. The published form of Jacobian lenses, a <c>torch.save</c> of a dictionary with <c>J</c>,
/// <c>n_prompts</c>, <c>source_layers</c> and <c>d_model</c>, is read too; nothing in it is run.
/// </summary>
public static class LensFile
{
    internal const string Format = "gemmascope.lens",
        FormatKey = "format",
        KindKey = "kind",
        ModelKey = "model",
        PromptsKey = "n_prompts";

    /// <summary>Settings that decide what a lens means: lenses that differ in one are no two parts of one.</summary>
    internal static IReadOnlyList<string> Defining { get; } =
    ["target_layer", "skip_first", "max_seq_len", "keep_last", "paths", "mean_over_pairs", "capture_point"];

    /// <summary>The endings of such files.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".safetensors", ".pt", ".pth"];

    /// <summary>Opens a lens; the matrices stay mapped in their stored type.</summary>
    /// <param name="path">A .safetensors or .pt file.</param>
    /// <exception cref="FileFormatException">It is missing, damaged, no lens, asks for more than tensors, or holds what is not
    /// finite.</exception>
    public static Lens Read(string path) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".safetensors" => ReadOurs(path),
            ".pt" or ".pth" => ReadTorch(path),
            _ => throw new ArgumentProblemException("lenses are .safetensors or .pt files", path),
        };

    /// <summary>The same, which has to be a Jacobian lens.</summary>
    /// <exception cref="GemmaScopeException">It is another lens, or cannot be read.</exception>
    public static JacobianLens ReadJacobian(string path)
    {
        var lens = Read(path);
        if (lens is JacobianLens jacobian)
            return jacobian;
        lens.Dispose();
        throw new ArgumentProblemException($"is a {lens.Kind} lens; a Jacobian lens is asked for", path);
    }

    /// <summary>Writes a lens.</summary>
    /// <param name="path">The file, which ends with .safetensors.</param>
    /// <param name="lens">A Jacobian or tuned lens.</param>
    /// <param name="type">F32, BF16 or F16.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">The name has another ending, the file exists or cannot be written, or a number is too large for
    /// the type.</exception>
    public static void Write(string path, Lens lens, DType type = DType.F32, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(lens);
        Check(path, overwrite);
        Dictionary<string, string> metadata = new(lens.Origin.Settings) { [FormatKey] = Format, [KindKey] = lens.Kind };
        if (lens.Origin.Model is { } model)
            metadata[ModelKey] = model;
        if (lens.Origin.Prompts is { } prompts)
            metadata[PromptsKey] = prompts.ToString(CultureInfo.InvariantCulture);
        var tensors = new List<KeyValuePair<string, Tensor>>();
        try
        {
            switch (lens)
            {
                case JacobianLens jacobian:
                    foreach (var layer in jacobian.Layers)
                        tensors.Add(new($"J.{layer}", As(jacobian[layer], type, path)));
                    break;
                case TunedLens tuned:
                    foreach (var layer in tuned.Layers)
                    {
                        tensors.Add(new($"A.{layer}", As(tuned[layer].A, type, path)));
                        tensors.Add(new($"b.{layer}", As(tuned[layer].B, DType.F32, path)));
                    }
                    break;
                default:
                    throw new ArgumentProblemException("the logit lens has nothing to write", path);
            }
            SafetensorsWriter.Write(path, tensors, metadata, overwrite);
        }
        finally
        {
            foreach (var (_, tensor) in tensors)
                tensor.Dispose();
        }
    }

    /// <summary>Finds out before long work whether a lens can be written under a name.</summary>
    /// <exception cref="GemmaScopeException">The name has another ending, or the file exists and may not be replaced.</exception>
    public static void Check(string path, bool overwrite = false)
    {
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentProblemException("lenses are written as .safetensors", path);
        AtomicFile.Check(path, overwrite);
    }

    private static Lens ReadOurs(string path)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            var metadata = file.Metadata.ToDictionary(one => one.Key, one => one.Value);
            var origin = new LensOrigin
            {
                File = path,
                Model = metadata.GetValueOrDefault(ModelKey),
                Prompts = int.TryParse(metadata.GetValueOrDefault(PromptsKey), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                    ? n
                    : null,
                Settings = metadata
                    .Where(one => one.Key is not (FormatKey or KindKey or ModelKey or PromptsKey))
                    .ToDictionary(one => one.Key, one => one.Value),
            };
            var jacobians = Layers(file.Tensors.Keys, "J.");
            var tuned = Layers(file.Tensors.Keys, "A.");
            if (jacobians.Length > 0 && tuned.Length > 0)
                throw new FileFormatException("holds both J and A; a file is of one lens", path);
            if (jacobians.Length > 0)
                return new JacobianLens(Square(jacobians, layer => file[$"J.{layer}"], path), origin, file);
            if (tuned.Length == 0)
                throw new FileFormatException("is no lens: it has neither J.{layer} nor A.{layer} and b.{layer}", path);
            var maps = Square(tuned, layer => file[$"A.{layer}"], path);
            return new TunedLens(
                maps.Select(map => KeyValuePair.Create(map.Key, (map.Value, Offset(map.Key, map.Value.Columns)))),
                origin,
                file
            );
        }
        catch
        {
            file.Dispose();
            throw;
        }

        Tensor Offset(int layer, int width)
        {
            var offset = file[$"b.{layer}"];
            if (offset.Type != DType.F32 || offset.Shape is not [var length] || length != width)
                throw new FileFormatException($"b.{layer} must be {width} F32 numbers", path);
            RequireFinite(offset, $"b.{layer}", path);
            return offset;
        }
    }

    private static JacobianLens ReadTorch(string path)
    {
        var file = TorchFile.Open(path);
        try
        {
            var layers = Layers(file.Names, "J.");
            if (layers.Length == 0)
                throw new FileFormatException(
                    file.Names.Any(name => name.StartsWith("jacobian_sum", StringComparison.Ordinal))
                        ? "is the checkpoint of an unfinished fit (jacobian_sum), not a lens; it has no J"
                        : "is no Jacobian lens: it has no J",
                    path
                );
            if (file.Names.FirstOrDefault(name => !name.StartsWith("J.", StringComparison.Ordinal)) is { } other)
                throw new FileFormatException($"is no Jacobian lens: it has a tensor '{other}' beside J", path);
            if (layers.Length != file.Names.Count)
                throw new FileFormatException("the keys of its J are not all numbers of layers", path);
            long[] said =
            [
                .. Enumerable
                    .Range(0, 1 << 16)
                    .Select(i => $"source_layers.{i}")
                    .TakeWhile(file.Numbers.ContainsKey)
                    .Select(name => file.Numbers[name]),
            ];
            if (said.Length > 0 && !said.Order().SequenceEqual(layers.Select(layer => (long)layer)))
                throw new FileFormatException(
                    $"its source_layers ({string.Join(", ", said)}) are not those of its J ({string.Join(", ", layers)})",
                    path
                );
            var maps = Square(layers, layer => file[$"J.{layer}"], path);
            if (file.Numbers.TryGetValue("d_model", out var width) && width != maps[0].Value.Columns)
                throw new FileFormatException($"its d_model is {width}, its matrices are {maps[0].Value.Columns} wide", path);
            var prompts = file.Numbers.TryGetValue(PromptsKey, out var n) && n is > 0 and <= int.MaxValue ? (int?)n : null;
            const string provenance = "provenance.";
            var settings = file
                .Texts.Concat(file.Numbers.Select(one => KeyValuePair.Create(one.Key, one.Value.ToString(CultureInfo.InvariantCulture))))
                .Where(one => one.Key.StartsWith(provenance, StringComparison.Ordinal))
                .ToDictionary(one => one.Key[provenance.Length..], one => one.Value);
            return new(
                maps,
                new()
                {
                    File = path,
                    Model = settings.GetValueOrDefault("model_id"),
                    Prompts = prompts,
                    Settings = settings,
                },
                file
            );
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static int[] Layers(IEnumerable<string> names, string prefix) =>
        [
            .. names
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(name =>
                    int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var layer) ? layer : -1
                )
                .Where(layer => layer >= 0)
                .Order(),
        ];

    private static KeyValuePair<int, Tensor>[] Square(int[] layers, Func<int, Tensor> matrix, string path)
    {
        var maps = layers.Select(layer => KeyValuePair.Create(layer, matrix(layer))).ToArray();
        var width = maps[0].Value.Shape is [var rows, _] ? rows : 0;
        foreach (var (layer, map) in maps)
        {
            if (!map.Shape.SequenceEqual([width, width]) || width == 0)
                throw new FileFormatException(
                    $"the matrix of layer {layer} is [{string.Join(", ", map.Shape.ToArray())}]; all of a lens are square and alike",
                    path
                );
            if (!map.Type.IsWeightType())
                throw new FileFormatException($"the matrix of layer {layer} is {map.Type}; F32, BF16 and F16 are read", path);
            RequireFinite(map, $"layer {layer}", path);
        }
        return maps;
    }

    private static void RequireFinite(Tensor tensor, string name, string path)
    {
        if (TensorChecks.FindNonFinite(tensor) >= 0)
            throw new FileFormatException(
                $"the matrix of {name} has a number that is not finite; was it stored in a type too small?",
                path
            );
    }

    /// <summary>A copy in another type.</summary>
    private static unsafe Tensor As(Tensor stored, DType type, string path)
    {
        var wide = stored.ToF32();
        if (type == DType.F32)
            return wide;
        using (wide)
        {
            var narrow = Tensor.Allocate(type, stored.Shape, clear: false);
            var target = new Span<ushort>(narrow.Pointer, checked((int)narrow.Length));
            if (type == DType.BF16)
                Conversions.NarrowToBF16(wide.AsSpan(), target);
            else
                Conversions.NarrowToF16(wide.AsSpan(), target);
            if (TensorChecks.FindNonFinite(narrow) < 0)
                return narrow;
            narrow.Dispose();
            throw new ArgumentProblemException($"has numbers too large for {type}; write it as F32 or BF16", path);
        }
    }
}

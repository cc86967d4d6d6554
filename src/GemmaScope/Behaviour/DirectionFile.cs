using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour;

/// <summary>A direction of the residual stream in a file.</summary>
/// <param name="Vector">The direction, as long as the residual stream is wide.</param>
/// <param name="Layer">The layer it was read before; null where no file says it.</param>
/// <param name="Position">The position it was read at, counted from the end; null where no file says it.</param>
public sealed record StoredDirection(ReadOnlyMemory<float> Vector, int? Layer, int? Position);

/// <summary>
/// Files of directions: the <c>direction.pt</c> with <c>direction_metadata.json</c> (<c>pos</c>, <c>layer</c>) of the refusal_direction
/// program and its <c>mean_diffs.pt</c>, and the same as safetensors or npy. Nothing in a file is run.
/// </summary>
public static class DirectionFile
{
    private const string TensorName = "direction";

    private static readonly string[] Endings = [".safetensors", ".pt", ".npy"];

    /// <summary>Reads a direction.</summary>
    /// <param name="path">A .pt, .safetensors or .npy file with one vector, or with one for each position and layer (<c>[positions, layers,
    /// d]</c>) of which the metadata beside it names one; or a folder with such a file, as that of a study of refusal.</param>
    /// <exception cref="FileFormatException">There is no such file, it is damaged, holds no direction, or one that is not finite.</exception>
    public static StoredDirection Read(string path)
    {
        if (Directory.Exists(path))
            path =
                Endings.Select(ending => Path.Combine(path, TensorName + ending)).FirstOrDefault(File.Exists)
                ?? throw new FileFormatException(
                    $"the folder holds no {string.Join(", ", Endings.Select(ending => TensorName + ending))}",
                    path
                );
        var (layer, position) = Metadata(path);
        using var file = Open(path);
        var vector = file.Tensor.Shape.Length switch
        {
            1 => Values(file.Tensor),
            3 => Chosen(file.Tensor, layer, position, path),
            _ => throw new FileFormatException(
                $"holds a tensor of the shape [{string.Join(", ", file.Tensor.Shape.ToArray())}]; a direction is a vector, or one for each "
                    + "position and layer",
                path
            ),
        };
        foreach (var value in vector)
            if (!float.IsFinite(value))
                throw new FileFormatException("the direction is not finite", path);
        return vector.AsSpan().ContainsAnyExcept(0f)
            ? new(vector, layer, position)
            : throw new FileFormatException("the direction is zero", path);
    }

    /// <summary>Writes a direction, and its metadata beside it.</summary>
    /// <param name="path">A name that ends with .pt, .safetensors or .npy.</param>
    /// <param name="direction">The direction.</param>
    /// <param name="overwrite">Whether existing files may be replaced.</param>
    /// <exception cref="GemmaScopeException">The name has another ending, or a file exists or cannot be written.</exception>
    public static void Write(string path, StoredDirection direction, bool overwrite = false)
    {
        using var tensor = Tensor.From(direction.Vector.Span, direction.Vector.Length);
        switch (Ending(path))
        {
            case ".pt":
                TorchWriter.Write(path, direction.Vector.Span, overwrite);
                break;
            case ".npy":
                NpyWriter.Write(path, tensor, overwrite);
                break;
            default:
                SafetensorsWriter.Write(path, [new KeyValuePair<string, Tensor>(TensorName, tensor)], overwrite: overwrite);
                break;
        }
        // A mean over many tokens has a layer and no position.
        Dictionary<string, int> known = [];
        if (direction.Position is { } position)
            known["pos"] = position;
        if (direction.Layer is { } layer)
            known["layer"] = layer;
        if (known.Count > 0)
            AtomicFile.Write(MetadataNames(path)[0], stream => JsonSerializer.Serialize(stream, known), overwrite);
    }

    private static string Ending(string path) =>
        Endings.Contains(Path.GetExtension(path).ToLowerInvariant())
            ? Path.GetExtension(path).ToLowerInvariant()
            : throw new ArgumentProblemException("directions are .pt, .safetensors or .npy files", path);

    /// <summary>Where metadata are looked for: as the program writes them, and by the whole name.</summary>
    private static string[] MetadataNames(string path)
    {
        var name = Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileNameWithoutExtension(path));
        return [$"{name}_metadata.json", $"{name}.metadata.json"];
    }

    private static (int? Layer, int? Position) Metadata(string path)
    {
        if (MetadataNames(path).FirstOrDefault(File.Exists) is not { } file)
            return (null, null);
        var json = JsonFile.Read(file);
        var (layer, position) = (json.Integer("layer"), json.Integer("pos"));
        if (layer < 0)
            throw json.Bad("layer", "must be 0 or more");
        if (position >= 0)
            throw json.Bad("pos", "is counted from the end and must be below 0");
        return (layer, position);
    }

    private static Opened Open(string path)
    {
        switch (Ending(path))
        {
            case ".pt":
                var torch = TorchFile.Open(path);
                return new(torch, () => torch[Only(torch.Names, path)]);
            case ".npy":
                var npy = NpyFile.Open(path);
                return new(npy, () => npy.Tensor);
            default:
                var tensors = SafetensorsFile.Open(path);
                return new(tensors, () => tensors[Only([.. tensors.Tensors.Keys], path)]);
        }
    }

    private static string Only(IReadOnlyCollection<string> names, string path) =>
        names.Count == 1
            ? names.First()
            : throw new FileFormatException(
                $"holds {names.Count} tensors{(names.Count > 0 ? $" ({string.Join(", ", names.Take(3))} …)" : "")}; a file of a direction has one",
                path
            );

    private static float[] Chosen(Tensor all, int? layer, int? position, string path)
    {
        if (layer is not { } l || position is not { } p)
            throw new FileFormatException(
                "holds a direction for each position and layer; a file beside it has to name one: "
                    + $"{Path.GetFileName(MetadataNames(path)[0])} with pos and layer",
                path
            );
        var (positions, layers, width) = ((int)all.Shape[0], (int)all.Shape[1], (int)all.Shape[2]);
        if (l >= layers || -p > positions)
            throw new FileFormatException($"has no layer {l} at position {p}: it is of {positions} positions and {layers} layers", path);
        return Values(all).AsSpan(((positions + p) * layers + l) * width, width).ToArray();
    }

    private static float[] Values(Tensor tensor)
    {
        using var wide = tensor.ToF32();
        return wide.AsSpan().ToArray();
    }

    /// <summary>A file of any form with its tensor.</summary>
    private sealed class Opened : IDisposable
    {
        private readonly IDisposable _file;

        public Opened(IDisposable file, Func<Tensor> tensor)
        {
            _file = file;
            try
            {
                Tensor = tensor();
                if (Tensor.Type is not (DType.F32 or DType.F64 or DType.F16 or DType.BF16))
                    throw new FileFormatException($"holds {Tensor.Type}; a direction is of floating-point numbers");
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        public Tensor Tensor { get; }

        public void Dispose() => _file.Dispose();
    }
}

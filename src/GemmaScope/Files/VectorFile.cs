using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Reads one vector, such as a probe or a direction, of a file as programs keep them: npy, npz, safetensors or PyTorch.</summary>
public static class VectorFile
{
    /// <summary>Numbers of a vector at most.</summary>
    private const int Longest = 1 << 20;

    /// <summary>Reads a vector; dimensions of length 1 around it do not count.</summary>
    /// <param name="path">A file that ends with .npy, .npz, .safetensors, .pt, .pth or .bin.</param>
    /// <param name="name">Which of several tensors; null where there is one.</param>
    /// <exception cref="FileFormatException">It is missing or damaged, holds several tensors of which none is named, or no vector of finite
    /// numbers that are not all 0.</exception>
    public static float[] Read(string path, string? name = null)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".npy":
                using (var npy = NpyFile.Open(path))
                    return name is null ? Vector(npy.Tensor, path) : throw new FileFormatException("holds one array, without a name", path);
            case ".npz":
                using (var npz = NpzFile.Open(path))
                    return Vector(npz[Chosen(npz.Arrays.Keys, name, path)], path);
            case ".safetensors":
                using (var safetensors = SafetensorsFile.Open(path))
                    return Vector(safetensors[Chosen(safetensors.Tensors.Keys, name, path)], path);
            case ".pt" or ".pth" or ".bin":
                using (var torch = TorchFile.Open(path))
                    return Vector(torch[Chosen(torch.Names, name, path)], path);
            default:
                throw new FileFormatException(
                    "is no file of a vector that is known: give .npy, .npz, .safetensors, .pt, .pth or .bin",
                    path
                );
        }
    }

    private static string Chosen(IEnumerable<string> names, string? name, string path)
    {
        string[] all = [.. names];
        return name is not null && all.Contains(name) ? name
            : name is null && all is [var only] ? only
            : throw new FileFormatException(
                $"{(name is null ? $"holds {all.Length} tensors, of which one must be named" : $"holds no '{name}'")}; there are "
                    + $"{string.Join(", ", all.Order(StringComparer.Ordinal).Take(10).Select(one => one.Length == 0 ? "''" : one))}"
                    + (all.Length > 10 ? " …" : ""),
                path
            );
    }

    private static float[] Vector(Tensor tensor, string path)
    {
        if (tensor.Length is 0 or > Longest || tensor.Shape.ToArray().Max() != tensor.Length)
            throw new FileFormatException($"holds {FileChecks.Format(tensor.Shape)} numbers, and one vector is needed", path);
        if (tensor.Type is not (DType.F32 or DType.F64 or DType.BF16 or DType.F16))
            throw new FileFormatException($"holds {tensor.Type}, and numbers with a fraction are needed", path);
        using var numbers = tensor.ToF32();
        var vector = numbers.AsSpan().ToArray();
        return Array.TrueForAll(vector, float.IsFinite) && vector.AsSpan().ContainsAnyExcept(0f)
            ? vector
            : throw new FileFormatException("its numbers are not finite, or all 0", path);
    }
}

using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>The kinds of files that <see cref="FileInspector"/> knows.</summary>
public enum FileKind
{
    /// <summary>A safetensors file.</summary>
    Safetensors,

    /// <summary>An index of safetensors shards, together with its shards.</summary>
    ShardIndex,

    /// <summary>A NumPy archive.</summary>
    Npz,

    /// <summary>One NumPy array.</summary>
    Npy,

    /// <summary>A JSON object, such as config.json.</summary>
    Json,

    /// <summary>A folder of such files.</summary>
    Folder,

    /// <summary>A file of PyTorch's torch.save.</summary>
    Torch,

    /// <summary>A GGUF file (llama.cpp), with its shards where it has some.</summary>
    Gguf,
}

/// <summary>What is in a file.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Bytes">Bytes on disk.</param>
/// <param name="Metadata">Its strings and settings; names of nested settings are joined by dots.</param>
/// <param name="Tensors">Its tensors, by name.</param>
/// <param name="Parts">The files of a folder.</param>
/// <param name="Problem">Why a file of a folder could not be read, or null.</param>
public sealed record FileReport(
    string Path,
    FileKind Kind,
    long Bytes,
    IReadOnlyList<KeyValuePair<string, string>> Metadata,
    IReadOnlyList<TensorReport> Tensors,
    IReadOnlyList<FileReport> Parts,
    string? Problem = null
)
{
    /// <summary>Numbers in all tensors.</summary>
    public long Elements => Tensors.Sum(t => t.Elements);

    /// <summary>Bytes of all tensors, uncompressed.</summary>
    public long TensorBytes => Tensors.Sum(t => t.Bytes);
}

/// <summary>What a stored tensor is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="File">The file it lies in.</param>
/// <param name="Statistics">What its values are like, where that was asked for and can be told.</param>
public sealed record TensorReport(string Name, DType Type, IReadOnlyList<long> Shape, string File, TensorStatistics? Statistics)
{
    /// <summary>Numbers in it.</summary>
    public long Elements => Shape.Aggregate(1L, (product, n) => product * n);

    /// <summary>Bytes, uncompressed.</summary>
    public long Bytes => Type.ByteLength(Elements);
}

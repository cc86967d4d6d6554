using System.Text.RegularExpressions;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// A GGUF file (llama.cpp), or the shards of a split one, as one set of tensors, mapped in their stored types. Only the first shard holds
/// the keys that describe the model.
/// </summary>
public sealed partial class GgufFile : IMappedFiles
{
    /// <summary>How the names of GGUF files end.</summary>
    public const string Extension = ".gguf";

    private const string SplitNumber = "split.no",
        SplitCount = "split.count",
        SplitTensors = "split.tensors.count";

    private readonly List<GgufShard> _shards = [];
    private readonly Dictionary<string, (Tensor Tensor, GgufShard Home)> _tensors = new(StringComparer.Ordinal);

    private GgufFile(string path) => Path = path;

    /// <summary>The file, or the first shard.</summary>
    public string Path { get; }

    /// <summary>The files it is made of, the first shard first.</summary>
    public IReadOnlyList<string> Files => [.. _shards.Select(shard => shard.Path)];

    /// <summary>The names of all tensors, shard after shard.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>All keys with their values as text, in the file's order; long lists are counted.</summary>
    public IEnumerable<KeyValuePair<string, string>> Keys => Metadata.Shown();

    /// <summary>Version of the format.</summary>
    public int Version => (int)_shards[0].Version;

    /// <summary>Bytes of all files.</summary>
    public long Bytes => _shards.Sum(shard => shard.Length);

    /// <summary>The keys of the first shard.</summary>
    internal GgufMetadata Metadata => _shards[0].Metadata;

    /// <summary>Whether a path is named like a GGUF file.</summary>
    internal static bool IsNamed(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>Maps a file and, where it is split, its other shards; every structural rule of the format is checked, and no tensor data is
    /// read.</summary>
    /// <param name="path">The file; of a split one the first shard, or any other beside it.</param>
    /// <exception cref="FileFormatException">A file is missing or malformed, or the shards do not fit together.</exception>
    public static GgufFile Open(string path)
    {
        var result = new GgufFile(FirstShard(path));
        try
        {
            result.AddShards();
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name, its shape with the rows first.</summary>
    /// <exception cref="FileFormatException">There is none.</exception>
    public Tensor this[string name] =>
        Find(name) ?? throw new FileFormatException($"the tensor '{name}' is missing; the file is incomplete, get another", Path);

    /// <summary>The tensor of that name, or null.</summary>
    public Tensor? Find(string name) => _tensors.TryGetValue(name, out var found) ? found.Tensor : null;

    /// <summary>The file that holds a tensor, for messages; the first where there is no such tensor.</summary>
    public string FileOf(string name) => _tensors.TryGetValue(name, out var found) ? found.Home.Path : Path;

    void IMappedFiles.RequireWhole() => RequireWhole();

    /// <inheritdoc cref="IMappedFiles.RequireWhole"/>
    internal void RequireWhole()
    {
        foreach (var shard in _shards)
            shard.RequireWhole();
    }

    /// <summary>SHA-256 of the header of the first file.</summary>
    internal string HeaderHash()
    {
        RequireWhole();
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(_shards[0].Header));
    }

    /// <summary>Unmaps all files; their tensors must not be used any more.</summary>
    public void Dispose()
    {
        foreach (var shard in _shards)
            shard.Dispose();
    }

    /// <summary>The names of all shards of a split file by the name of one of them, or null where the name is not that of a shard.</summary>
    internal static IReadOnlyList<string>? ShardsOf(string path)
    {
        var match = ShardName().Match(path);
        return match.Success && int.Parse(match.Groups["count"].ValueSpan) is var count and > 0
            ? [.. Enumerable.Range(1, count).Select(number => $"{match.Groups["name"].Value}-{number:00000}-of-{count:00000}{Extension}")]
            : null;
    }

    /// <summary>The first shard where another one is named and the first lies beside it.</summary>
    private static string FirstShard(string path) => ShardsOf(path) is [var first, ..] && File.Exists(first) ? first : path;

    private void AddShards()
    {
        Add(Path);
        var count = Metadata.Integer(SplitCount) ?? 1;
        if (count == 1)
            return;
        if (ShardsOf(Path) is not { } names || names.Count != count)
            throw Metadata.Bad(
                SplitCount,
                $"is {count}, and the name of the file is not that of the first of {count} shards (…-00001-of-{count:00000}{Extension}); give the files their names back"
            );
        CheckNumber(_shards[0], 0, count);
        foreach (var (number, name) in names.Index().Skip(1))
        {
            if (!File.Exists(name))
                throw new FileFormatException(
                    $"the shard {System.IO.Path.GetFileName(name)} is missing; all {count} must lie in one folder, download it",
                    Path
                );
            Add(name, shard => CheckNumber(shard, number, count));
        }
        if (Metadata.Integer(SplitTensors) is { } total && total != _tensors.Count)
            throw Metadata.Bad(SplitTensors, $"is {total}, and the {count} shards hold {_tensors.Count} tensors; get all of them again");
    }

    private void Add(string path, Action<GgufShard>? check = null)
    {
        var shard = GgufShard.Open(path);
        _shards.Add(shard);
        check?.Invoke(shard);
        foreach (var (name, tensor) in shard.Tensors)
            if (!_tensors.TryAdd(name, (tensor, shard)))
                throw new FileFormatException($"holds the tensor '{name}', as {FileOf(name)} does; get the shards again", path);
    }

    private static void CheckNumber(GgufShard shard, int number, int count)
    {
        if (shard.Metadata.Integer(SplitNumber) is var found && found != number)
            throw shard.Metadata.Bad(
                SplitNumber,
                $"is {found?.ToString() ?? "absent"}, and by its name the shard is number {number}; get it again"
            );
        if (shard.Metadata.Integer(SplitCount) is var all && all != count)
            throw shard.Metadata.Bad(SplitCount, $"is {all?.ToString() ?? "absent"}, and that of the first shard {count}; get it again");
    }

    [GeneratedRegex(@"^(?<name>.*)-\d{5}-of-(?<count>\d{5})\.gguf$", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex ShardName();
}

using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// The weights of a model as one set of tensors, whether they lie in <c>model.safetensors</c> or in shards listed by
/// <c>model.safetensors.index.json</c>. All shards are mapped at once, which reads only their headers.
/// </summary>
public sealed class ShardedSafetensors : IDisposable
{
    /// <summary>Name of the file that holds a whole model.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>Name of the file that tells which shard holds which tensor.</summary>
    public const string IndexName = "model.safetensors.index.json";

    /// <summary>How the names of such indices end.</summary>
    internal const string IndexSuffix = ".safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _home = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];

    private ShardedSafetensors(string path) => Path = path;

    /// <summary>The single file, or the index.</summary>
    public string Path { get; }

    /// <summary>The mapped files, in order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <summary>The names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _home.Keys;

    /// <summary>Opens a model folder, one safetensors file, or an index of shards.</summary>
    /// <exception cref="FileFormatException">A file is missing or malformed, or the index does not fit its shards.</exception>
    public static ShardedSafetensors Open(string path)
    {
        var file = Directory.Exists(path) ? FindIn(path) : path;
        var result = new ShardedSafetensors(file);
        try
        {
            if (file.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                result.AddShards(JsonFile.Read(file));
            else
                result.AddAll(file);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="FileFormatException">There is none.</exception>
    public Tensor this[string name] => Find(name) ?? throw new FileFormatException($"the tensor '{name}' is missing", Path);

    /// <summary>The tensor of that name, or null.</summary>
    public Tensor? Find(string name) => _home.TryGetValue(name, out var file) ? file[name] : null;

    /// <summary>The file that holds a tensor, for messages; the whole set where there is no such tensor.</summary>
    public string FileOf(string name) => _home.TryGetValue(name, out var file) ? file.Path : Path;

    /// <inheritdoc cref="IMappedFiles.RequireWhole"/>
    internal void RequireWhole()
    {
        foreach (IMappedFiles file in _files)
            file.RequireWhole();
    }

    /// <summary>Unmaps all files; their tensors must not be used any more.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private static string FindIn(string folder)
    {
        foreach (var name in (ReadOnlySpan<string>)[SingleName, IndexName])
        {
            var file = System.IO.Path.Combine(folder, name);
            if (File.Exists(file))
                return file;
        }
        throw new FileFormatException(
            FolderForms.Describe(folder) ?? $"the folder has neither {SingleName} nor {IndexName}; download the model's safetensors files",
            folder
        );
    }

    private void AddAll(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (var name in file.Tensors.Keys)
            _home.Add(name, file);
    }

    private void AddShards(JsonSection index)
    {
        var map = index.Section("weight_map") ?? throw index.Missing("weight_map");
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        var tensorsOf = map
            .Keys.Distinct(StringComparer.Ordinal)
            .GroupBy(name => map.Text(name) ?? throw map.Missing(name), StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        foreach (var group in tensorsOf)
            AddShard(folder, group.Key, [.. group]);
    }

    private void AddShard(string folder, string shard, string[] names)
    {
        // The index comes from the network: it may only name its neighbours.
        if (shard.IndexOfAny(['/', '\\', '\0']) >= 0 || shard is "" or "." or "..")
        {
            throw new FileFormatException($"the shard '{shard}' of tensor {names[0]} is not a plain file name, which is refused", Path);
        }
        var path = System.IO.Path.Combine(folder, shard);
        if (!File.Exists(path))
        {
            throw new FileFormatException(
                $"the shard {shard} is missing; it should hold {names[0]} and {names.Length - 1} other tensors, download it again",
                Path
            );
        }
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (var name in names)
        {
            if (!file.Tensors.ContainsKey(name))
                throw new FileFormatException($"the index says that {shard} holds tensor {name}, but it does not", Path);
            _home.Add(name, file);
        }
    }
}

using System.Globalization;
using System.Text.Json;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Says what is in any file of the field: safetensors, shards, GGUF, npz, npy, PyTorch, JSON settings, or a folder of them.</summary>
public static class FileInspector
{
    /// <summary>Longer lists in JSON files (a vocabulary) are counted, not listed.</summary>
    private const int LongestList = 64;

    /// <summary>Folders below a folder that are looked into; a limit, because a link may lead back up.</summary>
    private const int DeepestLevel = 8;

    /// <summary>Inspects a file or folder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="statistics">Whether to read the tensors' values, all of them, and sum them up.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileFormatException">The file is missing, malformed, or of no known kind.</exception>
    public static FileReport Inspect(string path, bool statistics = false, CancellationToken cancellationToken = default)
    {
        if (Directory.Exists(path))
            return InspectFolder(path, statistics, cancellationToken);
        var bytes = FileChecks.LengthOf(path);
        var inspection = new Inspection(path, bytes, statistics, cancellationToken);
        return (KindByName(path) ?? KindByContent(path)) switch
        {
            FileKind.Safetensors => inspection.Safetensors(),
            FileKind.Npz => inspection.Npz(),
            FileKind.Npy => inspection.Npy(),
            FileKind.Torch => inspection.Torch(),
            FileKind.Json => inspection.Json(),
            FileKind.Gguf => inspection.Gguf(),
            _ => throw new FileFormatException("this is no safetensors, GGUF, npz, npy, PyTorch or JSON file", path),
        };
    }

    private static FileReport InspectFolder(string folder, bool statistics, CancellationToken cancellationToken)
    {
        var parts = new List<FileReport>();
        foreach (var file in FilesOf(folder, 0))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var kind = KindByName(file)!.Value;
            try
            {
                // Shards are listed on their own here; the index would repeat them.
                parts.Add(
                    file.EndsWith(ShardedSafetensors.IndexSuffix, StringComparison.Ordinal)
                        ? new Inspection(file, FileChecks.LengthOf(file), false, cancellationToken).Settings()
                        : Inspect(file, statistics, cancellationToken)
                );
            }
            catch (FileFormatException problem)
            {
                parts.Add(new FileReport(file, kind, 0, [], [], [], problem.Message));
            }
        }
        if (parts.Count == 0)
            throw new FileFormatException(
                "neither the folder nor one below it holds a safetensors, GGUF, npz, npy, PyTorch or JSON file",
                folder
            );
        return new FileReport(folder, FileKind.Folder, parts.Sum(p => p.Bytes), [], [.. parts.SelectMany(p => p.Tensors)], parts);
    }

    /// <summary>The files of the field in a folder and, where none of its own holds tensors, in those below it.</summary>
    private static IEnumerable<string> FilesOf(string folder, int level)
    {
        try
        {
            // Of a split file the first shard stands for all.
            var own = Directory
                .GetFiles(folder)
                .Where(file => KindByName(file) is not null && !IsLaterShard(file))
                .Order(StringComparer.Ordinal)
                .ToArray();
            if (own.Any(file => KindByName(file) != FileKind.Json) || level == DeepestLevel)
                return own;
            // A list of what lies below, such as a catalogue, does not stand for it.
            return own.Concat(
                Directory.GetDirectories(folder).Order(StringComparer.Ordinal).SelectMany(inner => FilesOf(inner, level + 1))
            );
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(folder, problem);
        }
    }

    private static bool IsLaterShard(string file) => GgufFile.ShardsOf(file) is [var first, ..] && first != file && File.Exists(first);

    private static FileKind? KindByName(string path) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".safetensors" => FileKind.Safetensors,
            ".npz" => FileKind.Npz,
            ".npy" => FileKind.Npy,
            ".pt" or ".pth" => FileKind.Torch,
            ".json" => FileKind.Json,
            GgufFile.Extension => FileKind.Gguf,
            _ => null,
        };

    /// <summary>Blobs of the hub cache have no extension; their first bytes tell what they are.</summary>
    private static FileKind? KindByContent(string path)
    {
        using var file = new MappedFile(path);
        var head = file.Span(0, (int)Math.Min(file.Length, 16));
        return head.StartsWith("PK\u0003\u0004"u8) ? FileKind.Npz
            : head[0] == 0x93 && head[1..].StartsWith("NUMPY"u8) ? FileKind.Npy
            : head.StartsWith("GGUF"u8) ? FileKind.Gguf
            : head[0] == '{' ? FileKind.Json
            : head.Length > SafetensorsHeader.Prefix && head[SafetensorsHeader.Prefix] == '{' ? FileKind.Safetensors
            : null;
    }

    /// <summary>The inspection of one file.</summary>
    private sealed class Inspection(string path, long bytes, bool statistics, CancellationToken cancellationToken)
    {
        public FileReport Safetensors()
        {
            using var file = SafetensorsFile.Open(path);
            return Report(FileKind.Safetensors, file.Metadata, file.Tensors.Select(t => Describe(t.Key, t.Value, path)));
        }

        public FileReport Npz()
        {
            using var file = NpzFile.Open(path);
            return Report(
                FileKind.Npz,
                [],
                file.Arrays.Select(a => new TensorReport(
                    a.Key,
                    a.Value.Type,
                    a.Value.Shape,
                    path,
                    statistics ? TensorStatistics.Of(file[a.Key], cancellationToken) : null
                ))
            );
        }

        public FileReport Torch()
        {
            using var file = TorchFile.Open(path);
            return Report(
                FileKind.Torch,
                file.Numbers.Select(number => KeyValuePair.Create(number.Key, number.Value.ToString(CultureInfo.InvariantCulture))),
                file.Names.Select(name => Describe(name, file[name], path))
            );
        }

        public FileReport Npy()
        {
            using var file = NpyFile.Open(path);
            return Report(FileKind.Npy, [], [Describe(Path.GetFileNameWithoutExtension(path), file.Tensor, path)]);
        }

        public FileReport Json()
        {
            if (!path.EndsWith(ShardedSafetensors.IndexSuffix, StringComparison.Ordinal))
                return Settings();
            using var shards = ShardedSafetensors.Open(path);
            var total = bytes + shards.Files.Sum(f => FileChecks.LengthOf(f.Path));
            return Report(FileKind.ShardIndex, Settings().Metadata, shards.Names.Select(n => Describe(n, shards[n], shards.FileOf(n)))) with
            {
                Bytes = total,
            };
        }

        public FileReport Gguf()
        {
            using var file = GgufFile.Open(path);
            return Report(FileKind.Gguf, file.Keys, file.Names.Select(name => Describe(name, file[name], file.FileOf(name)))) with
            {
                Bytes = file.Bytes,
            };
        }

        public FileReport Settings() => Report(FileKind.Json, Flatten("", JsonFile.Read(path).Element), []);

        private TensorReport Describe(string name, Tensor tensor, string file) =>
            new(name, tensor.Type, tensor.Shape.ToArray(), file, statistics ? TensorStatistics.Of(tensor, cancellationToken) : null);

        private FileReport Report(FileKind kind, IEnumerable<KeyValuePair<string, string>> metadata, IEnumerable<TensorReport> tensors) =>
            new(path, kind, bytes, [.. metadata], [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)], []);

        private static IEnumerable<KeyValuePair<string, string>> Flatten(string prefix, JsonElement section)
        {
            foreach (var property in section.EnumerateObject())
            {
                var (name, value) = (prefix + property.Name, property.Value);
                if (value.ValueKind == JsonValueKind.Object && value.GetPropertyCount() is > 0 and <= LongestList)
                {
                    foreach (var inner in Flatten(name + ".", value))
                        yield return inner;
                }
                else
                {
                    yield return new(name, Shorten(value));
                }
            }
        }

        private static string Shorten(JsonElement value) =>
            value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Array when value.GetArrayLength() > LongestList => $"[{value.GetArrayLength()} values]",
                JsonValueKind.Object when value.GetPropertyCount() > LongestList => $"{{{value.GetPropertyCount()} entries}}",
                _ => string.Concat(value.GetRawText().Split('\n').Select(line => line.Trim())),
            };
    }
}

using System.Globalization;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>
/// Manifests on disk: a store's folder holds one JSON file for each part that is being written, or one for all after a merge. Each part has
/// a file of its own so that several processes write one store without waiting for each other.
/// </summary>
internal static class ManifestFile
{
    /// <summary>The manifest a merge writes; the parts in it count, whatever older files of them are left.</summary>
    public const string Merged = "manifest.json";

    private const string Format = "gemmascope-activations",
        PartPattern = "part-*.json";
    private const int Version = 1;

    public static string PartFile(string store, string part) => Path.Combine(store, $"{part}.json");

    /// <summary>The union of all manifests of a store.</summary>
    /// <exception cref="FileFormatException">There is none, one is malformed, or they are of different contents.</exception>
    public static StoreManifest ReadAll(string store)
    {
        if (!Directory.Exists(store))
            throw new FileFormatException("there is no such folder; name the folder of an activation store", store);
        var merged = Path.Combine(store, Merged);
        string[] files =
        [
            .. File.Exists(merged) ? [merged] : Array.Empty<string>(),
            .. Directory.EnumerateFiles(store, PartPattern).Order(StringComparer.Ordinal),
        ];
        if (files.Length == 0)
            throw new FileFormatException("is no activation store: it has neither manifest.json nor part-….json", store);
        var manifests = files.Select(Read).ToArray();
        for (var i = 1; i < files.Length; i++)
            if (ManifestComparison.Difference(manifests[0].Contents, manifests[i].Contents) is { } difference)
                throw new FileFormatException(
                    $"is of another {difference} than {Path.GetFileName(files[0])}; "
                        + "a store holds one model's activations at the same sites",
                    files[i]
                );
        return new()
        {
            Contents = manifests[0].Contents,
            Parts = [.. manifests.SelectMany(manifest => manifest.Parts).DistinctBy(part => part.Folder)],
        };
    }

    /// <exception cref="FileFormatException">The file is missing or malformed.</exception>
    public static StoreManifest Read(string file)
    {
        var root = JsonFile.Read(file);
        if (root.Text("format") != Format)
            throw root.Bad("format", $"must be \"{Format}\"; this is no manifest of an activation store");
        if (root.Integer("version") != Version)
            throw root.Bad("version", $"must be {Version}; the store was written by another version");
        var contents = ReadContents(root);
        var parts = root.Objects("parts").Select(part => ReadPart(part, contents)).ToArray();
        if (parts.DistinctBy(part => part.Folder).Count() < parts.Length)
            throw root.Bad("parts", "names a folder twice");
        return new() { Contents = contents, Parts = parts };
    }

    /// <summary>Writes a manifest under another name, and moves it into place when it is on the disk.</summary>
    public static void Write(string file, StoreManifest manifest) =>
        AtomicFile.Write(
            file,
            stream =>
            {
                using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
                json.WriteStartObject();
                json.WriteString("format", Format);
                json.WriteNumber("version", Version);
                WriteContents(json, manifest.Contents);
                json.WriteStartArray("parts");
                foreach (var part in manifest.Parts)
                    WritePart(json, part);
                json.WriteEndArray();
                json.WriteEndObject();
            },
            overwrite: true
        );

    private static StoreContents ReadContents(JsonSection root)
    {
        var type = SafetensorsTypes.Parse(Text(root, "dtype"));
        if (type is not { } known || !known.IsWeightType())
            throw root.Bad("dtype", "must be F32, BF16 or F16");
        if (!Enum.TryParse<Arithmetic>(Text(root, "arithmetic"), ignoreCase: true, out var arithmetic) || !Enum.IsDefined(arithmetic))
            throw root.Bad("arithmetic", "must be exact or fast");
        var sites = root.Objects("sites")
            .Select(entry => new StoredSite(
                Site.TryParse(Text(entry, "site"), out var site) ? site : throw entry.Bad("site", "names no site"),
                (int)Whole(entry, "width", 1, int.MaxValue / 4)
            ))
            .ToArray();
        if (sites.Length == 0 || sites.DistinctBy(site => site.Site).Count() < sites.Length)
            throw root.Bad("sites", "must name one site or more, each once");
        return new()
        {
            Model = Text(root, "model"),
            ModelHash = Text(root, "model_sha256"),
            TokenizerHash = Text(root, "tokenizer_sha256"),
            Arithmetic = arithmetic,
            Type = known,
            Sites = sites,
        };
    }

    private static StorePart ReadPart(JsonSection part, StoreContents contents)
    {
        var harvest = new HarvestDescription
        {
            Text = part.Texts("text") ?? throw part.Missing("text"),
            TextHash = Text(part, "text_sha256"),
            Tokens = Whole(part, "tokens"),
            Windows = Whole(part, "windows"),
            Context = (int)Whole(part, "context", 1, int.MaxValue),
            WindowsPerRun = (int)Whole(part, "windows_per_run", 1, int.MaxValue),
            BucketRows = (int)Whole(part, "bucket_rows", 1, int.MaxValue),
            Seed = long.TryParse(Text(part, "seed"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seed)
                ? seed
                : throw part.Bad("seed", "must be a whole number"),
            Parts = (int)Whole(part, "parts", 1, int.MaxValue),
        };
        var (folder, rows) = (Text(part, "folder"), Whole(part, "rows"));
        if (!IsName(folder))
            throw part.Bad("folder", "must be the name of a folder inside the store");
        var buckets = part.Objects("buckets")
            .Select(bucket => ReadBucket(bucket, folder, contents))
            .OrderBy(bucket => bucket.Index)
            .ToArray();
        if (buckets.DistinctBy(bucket => bucket.Index).Count() < buckets.Length)
            throw part.Bad("buckets", "holds a bucket twice");
        if (buckets.Sum(bucket => (long)bucket.Rows) > rows)
            throw part.Bad("rows", $"must be at least the rows of the buckets, found {rows}");
        return new()
        {
            Folder = folder,
            Harvest = harvest,
            Index = (int)Whole(part, "part", 0, harvest.Parts - 1),
            Rows = rows,
            Buckets = buckets,
        };
    }

    private static StoreBucket ReadBucket(JsonSection bucket, string folder, StoreContents contents)
    {
        var shards = bucket.Objects("shards").Select(shard => ReadShard(shard, folder)).ToArray();
        if (shards.Length != contents.Sites.Count)
            throw bucket.Bad("shards", $"must be one for each of {contents.Sites.Count} sites, found {shards.Length}");
        var tokens = ReadShard(bucket.Section("tokens") ?? throw bucket.Missing("tokens"), folder);
        return new((int)Whole(bucket, "index", 0, int.MaxValue), (int)Whole(bucket, "rows", 1, int.MaxValue), shards, tokens);
    }

    private static StoreShard ReadShard(JsonSection shard, string folder)
    {
        var name = Text(shard, "file");
        if (!IsName(name))
            throw shard.Bad("file", "must be the name of a file in the part's folder");
        if (!uint.TryParse(Text(shard, "crc32"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var checksum))
            throw shard.Bad("crc32", "must be a hexadecimal number of 8 digits");
        var norms = shard.Number("squared_norms") ?? 0;
        return norms >= 0
            ? new($"{folder}/{name}", Whole(shard, "bytes"), checksum, norms)
            : throw shard.Bad("squared_norms", "must not be negative");
    }

    private static void WriteContents(Utf8JsonWriter json, StoreContents contents)
    {
        json.WriteString("model", contents.Model);
        json.WriteString("model_sha256", contents.ModelHash);
        json.WriteString("tokenizer_sha256", contents.TokenizerHash);
        json.WriteString("arithmetic", contents.Arithmetic == Arithmetic.Fast ? "fast" : "exact");
        json.WriteString("dtype", SafetensorsTypes.NameOf(contents.Type));
        json.WriteStartArray("sites");
        foreach (var (site, width) in contents.Sites)
        {
            json.WriteStartObject();
            json.WriteString("site", site.ToString());
            json.WriteNumber("width", width);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter json, StorePart part)
    {
        json.WriteStartObject();
        json.WriteString("folder", part.Folder);
        json.WriteNumber("part", part.Index);
        json.WriteNumber("parts", part.Harvest.Parts);
        json.WriteNumber("rows", part.Rows);
        json.WriteStartArray("text");
        foreach (var path in part.Harvest.Text)
            json.WriteStringValue(path);
        json.WriteEndArray();
        json.WriteString("text_sha256", part.Harvest.TextHash);
        json.WriteNumber("tokens", part.Harvest.Tokens);
        json.WriteNumber("windows", part.Harvest.Windows);
        json.WriteNumber("context", part.Harvest.Context);
        json.WriteNumber("windows_per_run", part.Harvest.WindowsPerRun);
        json.WriteNumber("bucket_rows", part.Harvest.BucketRows);
        // As text, for many readers of JSON know no whole number beyond 2^53.
        json.WriteString("seed", part.Harvest.Seed.ToString(CultureInfo.InvariantCulture));
        json.WriteStartArray("buckets");
        foreach (var bucket in part.Buckets)
        {
            json.WriteStartObject();
            json.WriteNumber("index", bucket.Index);
            json.WriteNumber("rows", bucket.Rows);
            json.WriteStartArray("shards");
            foreach (var shard in bucket.Shards)
                WriteShard(json, null, shard);
            json.WriteEndArray();
            WriteShard(json, "tokens", bucket.Tokens);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteShard(Utf8JsonWriter json, string? name, StoreShard shard)
    {
        if (name is null)
            json.WriteStartObject();
        else
            json.WriteStartObject(name);
        json.WriteString("file", shard.File[(shard.File.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        json.WriteNumber("bytes", shard.Bytes);
        json.WriteString("crc32", shard.Checksum.ToString("x8", CultureInfo.InvariantCulture));
        if (name is null)
            json.WriteNumber("squared_norms", shard.SquaredNorms);
        json.WriteEndObject();
    }

    private static string Text(JsonSection section, string key) => section.Text(key) ?? throw section.Missing(key);

    private static long Whole(JsonSection section, string key, long least = 0, long most = 1L << 53)
    {
        var number = section.Number(key) ?? throw section.Missing(key);
        return number >= least && number <= most && number == Math.Floor(number)
            ? (long)number
            : throw section.Bad(key, $"must be a whole number from {least} to {most}, found {number}");
    }

    // A manifest that was tampered with must not lead out of the store.
    private static bool IsName(string name) =>
        name.Length is > 0 and <= 200 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}

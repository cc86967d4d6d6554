using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Writes the light form of a model: the matrices of its layers, those of experts too, as blocks of whole numbers with a scale each, the
/// embeddings and the gains of norms as they are, in safetensors files that are cut as the model's own, beside the same settings and
/// vocabulary.
/// </summary>
public static class LightModel
{
    /// <summary>Where config.json says that weights are quantised, so that other tools refuse what they cannot read.</summary>
    internal const string ConfigKey = "quantization_config";

    /// <summary>The method that says it is this form.</summary>
    internal const string Method = "gemmascope";

    /// <summary>What else stands there.</summary>
    internal static readonly string[] ConfigWords = ["weights", "block_type"];

    private const string ConfigFile = "config.json";

    private static readonly string[] Linear =
    [
        "self_attn.q_proj.weight",
        "self_attn.k_proj.weight",
        "self_attn.v_proj.weight",
        "self_attn.o_proj.weight",
        "mlp.gate_proj.weight",
        "mlp.up_proj.weight",
        "mlp.down_proj.weight",
        "experts.gate_up_proj",
        "experts.down_proj",
    ];

    /// <summary>The block type of a light form.</summary>
    public static DType TypeOf(LightWeights weights) => weights == LightWeights.Int8 ? DType.Q8_0 : DType.IQ4_NL;

    /// <summary>Writes the light form of a model folder. It is there whole or not at all: what an attempt that was killed has left is taken
    /// away by the next.</summary>
    /// <param name="source">A folder with config.json and safetensors weights.</param>
    /// <param name="target">The folder to make, which must not exist.</param>
    /// <param name="weights">The bits of a number.</param>
    /// <param name="progress">Told the bytes written so far and in all.</param>
    /// <param name="cancellationToken">Stops it; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">The model cannot be read, is quantised already or holds what is no number; the folder exists or
    /// cannot be written, or the disk has no room.</exception>
    public static LightModelResult Write(
        string source,
        string target,
        LightWeights weights,
        IProgress<(long Done, long Total)>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        RequireNew(folder, target);
        using var files = Open(source, out var matrices);
        var type = TypeOf(weights);
        var writer = new LightWriter(files, matrices, type, progress, cancellationToken);
        var partial = folder + ".partial";
        using var locked = FileLock.Take(folder + ".lock", target, "the light form");
        try
        {
            Leftovers.Delete(partial);
            Directory.CreateDirectory(partial);
            RequireRoom(partial, target, writer.Total);
            writer.Write(partial);
            CopySettings(source, partial, weights, type);
            RequireNew(folder, target);
            Directory.Move(partial, folder);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"the light form cannot be written: {problem.Message}", target, problem);
        }
        finally
        {
            Leftovers.Delete(partial);
        }
        return new(type, writer.Quantised, writer.Kept, files.Names.Sum(name => files[name].ByteLength), writer.Total, writer.Error);
    }

    /// <summary>Reads the model as a run would, so that nothing is written of one that fits together badly.</summary>
    private static ShardedSafetensors Open(string source, out HashSet<string> matrices)
    {
        if (GgufFolder.Find(source) is { } gguf)
            throw new GemmaScopeException(
                "is a GGUF file, whose weights were converted before; take the model's safetensors files, or use it as it is",
                gguf
            );
        var config = ModelOrigin.At(source, null).Config();
        using (GemmaWeights.Load(SafetensorsModel.Open(source), config, checkFinite: false)) { }
        var files = ShardedSafetensors.Open(source);
        var names = new WeightNames(files);
        matrices = new(StringComparer.Ordinal);
        for (var layer = 0; layer < config.Layers; layer++)
            foreach (var linear in Linear)
                if (names.Stored($"layers.{layer}.{linear}") is var stored && files.Names.Contains(stored))
                    matrices.Add(stored);
        if (matrices.FirstOrDefault(name => files[name].Type.IsBlockType()) is not { } quantised)
            return files;
        using (files)
            throw new GemmaScopeException(
                $"is quantised already ('{quantised}' is {files[quantised].Type}); take the original weights",
                source
            );
    }

    private static void RequireNew(string folder, string target)
    {
        if (Directory.Exists(folder) || File.Exists(folder))
            throw new GemmaScopeException("exists already; give another folder, or delete it first", target);
        AtomicFile.Check(folder);
    }

    private static void RequireRoom(string folder, string target, long needed)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (needed > free)
            throw new GemmaScopeException(
                $"the light form takes {needed / 1e9:0.###} GB, the disk has {free / 1e9:0.###} GB free; take another disk",
                target
            );
    }

    /// <summary>Settings, vocabulary and chat template beside the weights; config.json says what the weights are.</summary>
    private static void CopySettings(string source, string folder, LightWeights weights, DType type)
    {
        foreach (var file in Directory.EnumerateFiles(source).Where(IsSetting))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, ConfigFile)))!.AsObject();
        config[ConfigKey] = new JsonObject
        {
            ["quant_method"] = Method,
            [ConfigWords[0]] = JsonNamingPolicy.CamelCase.ConvertName($"{weights}"),
            [ConfigWords[1]] = $"{type}",
        };
        WriteJson(Path.Combine(folder, ConfigFile), config);
    }

    private static bool IsSetting(string file) =>
        Path.GetFileName(file) is var name
        && name != ConfigFile
        && !name.EndsWith(ShardedSafetensors.IndexSuffix, StringComparison.Ordinal)
        && (
            Path.GetExtension(name) is ".json" or ".model" or ".jinja"
            || name.StartsWith("LICENSE", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("NOTICE", StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>Writes a JSON file as the field's tools do.</summary>
    internal static void WriteJson(string file, JsonNode json) =>
        File.WriteAllText(file, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
}

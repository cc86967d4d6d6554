using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>Judges a model folder by what is in it.</summary>
internal static class ModelFolder
{
    /// <summary>What a model folder lacks, or null: configuration, a vocabulary, and weights with every shard that their index
    /// names.</summary>
    public static string? Lacks(string folder)
    {
        bool Has(string name) => HubCache.Holds(Path.Combine(folder, name));
        if (!Has("config.json"))
            return "config.json";
        if (!Has("tokenizer.json") && !Has("tokenizer.model"))
            return "tokenizer.json or tokenizer.model";
        if (Has("model.safetensors.index.json"))
            return Shards(Path.Combine(folder, "model.safetensors.index.json")).FirstOrDefault(s => !Has(s));
        // Without its index a set of shards cannot be known to be complete.
        if (Has("model.safetensors"))
            return null;
        return Directory.EnumerateFiles(folder, "*-of-*.safetensors").Any() ? "model.safetensors.index.json"
            : Directory.EnumerateFiles(folder, "*.safetensors").Any() ? null
            : "model.safetensors";
    }

    private static List<string> Shards(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return [.. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(e => e.Value.GetString()!).Distinct()];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FileFormatException("is not an index of safetensors shards; delete it, so that it is downloaded again", index, e);
        }
    }
}

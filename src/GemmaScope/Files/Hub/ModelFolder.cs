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
            var map = JsonFile.Read(index).Section("weight_map") ?? throw new FileFormatException("has no weight_map", index);
            return [.. map.Keys.Select(tensor => map.Text(tensor) ?? throw map.Missing(tensor)).Distinct()];
        }
        catch (FileFormatException e)
        {
            throw new FileFormatException("is not an index of safetensors shards; delete it, so that it is downloaded again", index, e);
        }
    }
}

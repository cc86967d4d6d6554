using System.Text.Json;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>The part of JSON Schema that the public schema of attribution graphs uses; the schema is a file of another project.</summary>
internal static class GraphSchema
{
    public static void Check(string file)
    {
        using var schema = JsonDocument.Parse(File.ReadAllBytes(SharedData.File("artefacts", "neuronpedia-graph-schema.json")));
        using var graph = JsonDocument.Parse(File.ReadAllBytes(file));
        Check(graph.RootElement, schema.RootElement, "$");
    }

    private static void Check(JsonElement value, JsonElement schema, string where)
    {
        if (schema.TryGetProperty("type", out var type))
        {
            string[] names =
                type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.GetString()!)] : [type.GetString()!];
            Assert.True(names.Any(name => Is(value, name)), $"{where}: {value.ValueKind} is not {type}");
        }
        if (value.ValueKind == JsonValueKind.Object)
        {
            if (schema.TryGetProperty("required", out var required))
                Assert.All(
                    required.EnumerateArray(),
                    key => Assert.True(value.TryGetProperty(key.GetString()!, out _), $"{where} lacks {key}")
                );
            if (schema.TryGetProperty("properties", out var properties))
                foreach (var field in value.EnumerateObject())
                    if (properties.TryGetProperty(field.Name, out var inner))
                        Check(field.Value, inner, $"{where}.{field.Name}");
        }
        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
            foreach (var (i, item) in value.EnumerateArray().Index())
                Check(item, items, $"{where}[{i}]");
    }

    private static bool Is(JsonElement value, string type) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "number" => value.ValueKind == JsonValueKind.Number,
            "null" => value.ValueKind == JsonValueKind.Null,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            _ => false,
        };
}

using System.Text.Json;
using System.Text.Json.Nodes;

namespace GemmaScope.Tests.Server;

/// <summary>Run folders of studies as small as their form allows.</summary>
internal static class StudySamples
{
    /// <summary>The result of a study of two prompts of each of two sets, edited in two ways. What it holds for prompts is the mean that is
    /// told of it.</summary>
    /// <param name="text">The text of a prompt; null: not in the result.</param>
    /// <param name="model">The model's name.</param>
    public static JsonObject Result(string? text = null, string model = "demo-it")
    {
        JsonObject Mean(double mean) =>
            new()
            {
                ["count"] = 2,
                ["mean"] = mean,
                ["low"] = mean - 1,
                ["high"] = mean + 1,
            };
        JsonObject Set(string name, double first, double second) =>
            new()
            {
                ["set"] = name,
                ["scores"] = new JsonArray(first, second),
                ["refused"] = new JsonArray(first > 0, second > 0),
            };
        JsonObject Prompt(string set, string id) =>
            new()
            {
                ["set"] = set,
                ["id"] = id,
                ["text"] = text,
            };
        return new()
        {
            ["study"] = "refusal",
            ["model"] = model,
            ["files"] = new JsonArray("harmful.jsonl"),
            ["findings"] = new JsonArray(
                new JsonObject
                {
                    ["what"] = "requests refused",
                    ["value"] = Mean(0.75),
                    ["control"] = Mean(0.5),
                }
            ),
            ["effects"] = new JsonArray(
                new JsonObject
                {
                    ["edit"] = "none",
                    ["drift"] = null,
                    ["sets"] = new JsonArray(
                        new JsonObject { ["set"] = "harmful", ["score"] = Mean(3) },
                        new JsonObject { ["set"] = "harmless", ["score"] = Mean(-3) }
                    ),
                },
                new JsonObject
                {
                    ["edit"] = "ablate",
                    ["drift"] = Mean(0.25),
                    ["sets"] = new JsonArray(
                        new JsonObject { ["set"] = "harmful", ["score"] = Mean(-1) },
                        new JsonObject { ["set"] = "harmless", ["score"] = Mean(-5) }
                    ),
                }
            ),
            ["prompts"] = new JsonArray(Prompt("harmful", "a"), Prompt("harmful", "b"), Prompt("harmless", "c"), Prompt("harmless", "d")),
            ["runs"] = new JsonArray(
                new JsonObject
                {
                    ["edit"] = "none",
                    ["sets"] = new JsonArray(Set("harmful", 2, 4), Set("harmless", -4, -2)),
                    // As many as there are prompts, by chance.
                    ["cross_entropy"] = new JsonArray(1.0, 1.5, 2.0, 2.5),
                },
                new JsonObject
                {
                    ["edit"] = "ablate",
                    ["sets"] = new JsonArray(Set("harmful", -3, 1), Set("harmless", -6, -4)),
                    ["cross_entropy"] = new JsonArray(1.0, 1.5, 2.0, 2.5),
                }
            ),
        };
    }

    /// <summary>Writes a run folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="result">The result; null for one that is not there yet.</param>
    /// <param name="report">The main part of its report; null for none.</param>
    /// <param name="parts">Parts that were measured.</param>
    public static string Write(string folder, JsonObject? result, string? report = null, int parts = 2)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(
            Path.Combine(folder, "manifest.json"),
            """{"study": "refusal", "model": "demo-it", "settings": {}, "format": 1}"""
        );
        File.WriteAllLines(
            Path.Combine(folder, "parts.jsonl"),
            Enumerable.Range(0, parts).Select(i => $$"""{"part":"run {{i}}","value":{{i}}}""")
        );
        if (result is not null)
            File.WriteAllText(Path.Combine(folder, "result.json"), result.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        if (report is not null)
            File.WriteAllText(
                Path.Combine(folder, "report.html"),
                $"<!doctype html><html><head><style>p {{ color: red }}</style></head><body><main>\n{report}</main></body></html>"
            );
        return folder;
    }
}

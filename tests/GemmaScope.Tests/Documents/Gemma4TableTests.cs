using System.Globalization;
using GemmaScope.Bench;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Documents;

/// <summary>The table of docs/gemma-4.md: what the forms of Gemma 4 take, from the sizes of the released models.</summary>
public sealed class Gemma4TableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_page_says_what_the_shapes_take()
    {
        var page = File.ReadAllLines(Path.Combine(Fixtures.Repository, "docs", "gemma-4.md"));
        (string Name, string Sizes)[] models =
        [
            ("E2B", Layers(35, 1536, 6144, 8, 1, 512, 5, "\"num_kv_shared_layers\": 20, \"use_double_wide_mlp\": true")),
            ("E4B", Layers(42, 2560, 10240, 8, 2, 512, 6, "\"num_kv_shared_layers\": 18")),
            ("12B", Layers(48, 3840, 15360, 16, 8, 1024, 6, Large(1))),
            (
                "26B-A4B",
                Layers(
                    30,
                    2816,
                    2112,
                    16,
                    8,
                    1024,
                    6,
                    $"{Large(2)}, \"enable_moe_block\": true, \"num_experts\": 128, \"top_k_experts\": 8, \"moe_intermediate_size\": 704"
                )
            ),
            ("31B", Layers(60, 5376, 21504, 32, 16, 1024, 6, Large(4))),
        ];
        foreach (var (name, sizes) in models)
            Assert.Contains(Line(name, GemmaConfig.Load(Path.GetDirectoryName(_folder.Write("config.json", sizes))!)), page);
    }

    private static string Line(string name, GemmaConfig config)
    {
        double file = 0,
            token = 0;
        var (light, lightToken) = (new double[2], new double[2]);
        foreach (var tensor in RandomModel.Tensors(config))
        {
            var read =
                tensor.Name.EndsWith("embed_tokens_per_layer.weight", StringComparison.Ordinal) ? 1.0 / config.PerLayer!.Value.Rows
                : tensor.Name.Contains(".experts.", StringComparison.Ordinal)
                    ? (double)config.Experts!.Value.Active / config.Experts.Value.Count
                : 1;
            file += tensor.ByteLength;
            token += read * tensor.ByteLength;
            foreach (var (i, weights) in new[] { LightWeights.Int8, LightWeights.Int4 }.Index())
            {
                var type = LightModel.TypeOf(weights);
                var bytes = IsQuantised(tensor.Name)
                    ? tensor.ByteLength / (double)DType.BF16.Size() / type.BlockLength() * type.BlockBytes()
                    : tensor.ByteLength;
                light[i] += bytes;
                lightToken[i] += read * bytes;
            }
        }
        return $"| `google/gemma-4-{name}` | {Gb(file)} GB | {Gb(token)} GB | {Gb(config.CacheBytes(8192))}, {Gb(config.CacheBytes(131072))} GB | "
            + $"{Gb(light[0])}, {Gb(lightToken[0])} GB | {Gb(light[1])}, {Gb(lightToken[1])} GB |";
    }

    private static bool IsQuantised(string name) =>
        name.Contains(".self_attn.", StringComparison.Ordinal) && name.EndsWith("_proj.weight", StringComparison.Ordinal)
        || name.Contains(".mlp.", StringComparison.Ordinal)
        || name.Contains(".experts.", StringComparison.Ordinal);

    private static string Gb(double bytes) => (bytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture);

    private static string Large(int globalHeads) =>
        $"\"attention_k_eq_v\": true, \"num_global_key_value_heads\": {globalHeads}, \"hidden_size_per_layer_input\": 0";

    private static string Layers(int layers, int width, int mlp, int heads, int keyValueHeads, int window, int pattern, string rest) =>
        $$"""
            {
              "model_type": "gemma4_text", "num_hidden_layers": {{layers}}, "hidden_size": {{width}}, "intermediate_size": {{mlp}},
              "num_attention_heads": {{heads}}, "num_key_value_heads": {{keyValueHeads}}, "sliding_window": {{window}}, "vocab_size": 262144,
              "layer_types": [{{string.Join(
                  ", ",
                  Enumerable.Range(1, layers).Select(i => i % pattern == 0 ? "\"full_attention\"" : "\"sliding_attention\"")
              )}}],
              {{rest}}
            }
            """;
}

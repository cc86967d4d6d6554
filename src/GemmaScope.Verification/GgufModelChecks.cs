using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>A model in a GGUF file against the dequantised one of the reference; tolerance max|a − b| ≤ 1e-4 · max(1, max|b|) for each
/// tensor.</summary>
internal sealed class GgufModelChecks(string folder, GemmaModel model, JsonSection config, JsonSection expected)
{
    private const double Tolerance = 1e-4,
        ConstantTolerance = 1e-6;

    public IEnumerable<Check> Run()
    {
        foreach (var check in Config(model.Config))
            yield return check;
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        var prompts = Lists(expected, "prompts");
        var positions = Lists(expected, "positions");
        var best = Lists(expected, "argmax");
        var losses = expected.Element.GetProperty("mean_cross_entropy");
        for (var j = 0; j < prompts.Length; j++)
        {
            var sites = Sites(golden, j);
            using (var run = model.Run(prompts[j], sites.Values, logits: LogitRows.All, arithmetic: Arithmetic.Exact))
            {
                foreach (var (key, site) in sites)
                    yield return Check.Close(key, Rows(run[site], positions[j]), golden[key].AsSpan(), Tolerance);
                yield return Check.Close(
                    $"prompts.{j}.logits",
                    Rows(run.Logits!, positions[j]),
                    golden[$"prompts.{j}.logits"].AsSpan(),
                    Tolerance
                );
                yield return Check.That(
                    $"prompts.{j}.argmax",
                    Enumerable.Range(0, prompts[j].Length).Select(row => Sampler.ArgMax(run.Logits!.Row(row))).SequenceEqual(best[j])
                );
                if (losses[j].ValueKind == JsonValueKind.Number)
                    yield return Check.Close(
                        $"prompts.{j}.mean_cross_entropy",
                        [(float)run.CrossEntropy(0)],
                        [(float)losses[j].GetDouble()],
                        Tolerance
                    );
            }
            yield return TokenByToken(golden, prompts[j], positions[j], j);
        }
    }

    private IEnumerable<Check> Config(GemmaConfig found)
    {
        foreach (
            var (key, got) in new (string, int)[]
            {
                ("layers", found.Layers),
                ("width", found.Width),
                ("heads", found.Heads),
                ("kv_heads", found.Shapes[0].KeyValueHeads),
                ("head_dim", found.Shapes[0].HeadSize),
                ("mlp_width", found.Shapes[0].MlpWidth),
                ("vocab_rows", found.VocabularyRows),
                ("real_vocab_size", found.RealVocabulary),
                ("sliding_window", found.Window),
            }
        )
            yield return Golden.Count($"config {key}", got, config, key);
        foreach (
            var (key, got) in new (string, double)[]
            {
                ("eps", found.NormEpsilon),
                ("embed_scale", found.EmbeddingScale),
                ("attention_scale", 1 / Math.Sqrt(found.QueryPreAttentionScalar)),
                ("rope_base_global", found.GlobalRope.Theta),
                ("rope_base_local", found.LocalRope.Theta),
                ("rope_factor_global", found.GlobalRope.Factor),
                ("rope_factor_local", found.LocalRope.Factor),
            }
        )
            yield return Golden.Number($"config {key}", got, config, key, ConstantTolerance);
        foreach (var (key, got) in new[] { ("attn_logit_softcapping", found.AttentionCap), ("final_logit_softcapping", found.FinalCap) })
            yield return Check.That($"config {key}", got == (float?)config.Number(key), $"{got?.ToString() ?? "none"}");
        yield return Check.That(
            "config layer_types",
            (config.Texts("layer_types") ?? throw config.Missing("layer_types")).SequenceEqual(
                found.Shapes.Select(shape => shape.Sliding ? "sliding" : "global")
            )
        );
    }

    private static Dictionary<string, Site> Sites(SafetensorsFile golden, int prompt)
    {
        var prefix = $"prompts.{prompt}.resid_post.";
        return golden
            .Tensors.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(key => key, key => Site.ResidPost(int.Parse(key.AsSpan(prefix.Length))));
    }

    /// <summary>The way of generation: one row at a time, which other kernels compute.</summary>
    private Check TokenByToken(SafetensorsFile golden, int[] prompt, int[] positions, int j)
    {
        using var cache = model.NewCache();
        var rows = new List<float>();
        for (var i = 0; i < prompt.Length; i++)
        {
            using var run = model.Run([prompt[i]], cache: cache, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
            if (positions.Contains(i))
                rows.AddRange(run.LastLogits());
        }
        return Check.Close($"prompts.{j}.logits, token by token", [.. rows], golden[$"prompts.{j}.logits"].AsSpan(), Tolerance);
    }

    private static float[] Rows(Tensor all, int[] positions) => [.. positions.SelectMany(row => all.Row(row).ToArray())];

    private static int[][] Lists(JsonSection section, string key) =>
        section.Element.TryGetProperty(key, out var lists) && lists.ValueKind == JsonValueKind.Array
            ? [.. lists.EnumerateArray().Select(list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray())]
            : throw section.Missing(key);
}

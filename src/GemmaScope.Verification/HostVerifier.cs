using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a host-model folder: config, every activation site, logits without and with a cache and in a batch, cross-entropy,
/// generation, interventions. Always in exact arithmetic; tolerance max|a − b| ≤ 1e-4 · max(1, max|b|) for each tensor.
/// </summary>
public sealed class HostVerifier : IVerifier
{
    private const double Tolerance = 1e-4;

    /// <inheritdoc/>
    public string Form => "host";

    /// <inheritdoc/>
    public bool Recognizes(string folder) =>
        File.Exists(Path.Combine(folder, "config.json"))
        && File.Exists(Path.Combine(folder, "expected.safetensors"))
        && File.Exists(Path.Combine(folder, "expected.json"))
        && !Directory.EnumerateFiles(folder, "*" + GgufFile.Extension).Any();

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using var model = GemmaModel.Load(folder);
        var prompts = Prompts(expected);

        foreach (var check in Config(folder, expected, model.Config))
            yield return check;
        yield return SamePrompts(prompts, golden);
        for (var j = 0; j < prompts.Length; j++)
            if (Logits(golden, expected, j) is { } logits)
                foreach (var check in Runs(model, prompts[j], logits, $"prompts.{j}"))
                    yield return check;
        using (var batch = model.Run(prompts, logits: LogitRows.All, arithmetic: Arithmetic.Exact))
        {
            yield return Batch(batch, golden, expected);
            foreach (var check in Losses(batch, model.Config, golden, expected))
                yield return check;
        }
        foreach (var check in Sites(model, prompts, golden, expected))
            yield return check;
        foreach (var check in Generations(model, prompts, golden, expected))
            yield return check;
        foreach (var check in HostSummaryChecks.Verify(model, prompts[SitePrompt(expected)], expected, Tolerance))
            yield return check;
        foreach (var check in HostInterventions.Verify(model, prompts[SitePrompt(expected)], golden, expected, Tolerance))
            yield return check;
        foreach (var check in HostGradientChecks.Verify(model, prompts[SitePrompt(expected)], golden, expected))
            yield return check;
    }

    private static int SitePrompt(JsonSection expected) => expected.Integer("site_prompt") ?? 2;

    private static int[][] Prompts(JsonSection expected) =>
        expected.Element.TryGetProperty("prompts", out var lists) && lists.ValueKind == JsonValueKind.Array
            ? [.. lists.EnumerateArray().Select(list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray())]
            : throw expected.Missing("prompts");

    /// <summary>The ids are written in both files; the tensors must be those of the JSON.</summary>
    private static unsafe Check SamePrompts(int[][] prompts, SafetensorsFile golden)
    {
        var differ = new List<string>();
        for (var j = 0; j < prompts.Length; j++)
            if (
                golden.Tensors.TryGetValue($"prompts.{j}.input_ids", out var ids)
                && !(ids.Type == DType.I32 && new ReadOnlySpan<int>(ids.Pointer, (int)ids.Length).SequenceEqual(prompts[j]))
            )
                differ.Add($"prompts.{j}.input_ids");
        return Check.That(
            "prompts.*.input_ids",
            differ.Count == 0,
            differ.Count == 0 ? $"{prompts.Length} prompts" : $"not those of expected.json: {string.Join(", ", differ)}"
        );
    }

    /// <summary>The golden logits of a prompt; those of the site prompt go by another name.</summary>
    private static Tensor? Logits(SafetensorsFile golden, JsonSection expected, int prompt)
    {
        if (golden.Tensors.TryGetValue($"prompts.{prompt}.logits", out var logits))
            return logits;
        return prompt == SitePrompt(expected) ? golden.Tensors.GetValueOrDefault("logits") : null;
    }

    private static IEnumerable<Check> Config(string folder, JsonSection expected, GemmaConfig config)
    {
        if (expected.Texts("layer_types") is { } types)
            yield return Check.That(
                "config layer_types",
                types.SequenceEqual(config.Shapes.Select(shape => shape.Sliding ? "sliding_attention" : "full_attention"))
            );
        if (expected.Integer("vocab_rows") is int rows)
            yield return Check.That("config vocab_rows", rows == config.VocabularyRows, $"{config.VocabularyRows} instead of {rows}");
        if (expected.Integer("real_vocab_size") is int real)
            yield return Check.That("config real_vocab_size", real == config.RealVocabulary, $"{config.RealVocabulary} instead of {real}");
        if (expected.Number("embed_scale") is double scale)
            yield return Check.Within("config embed_scale", Math.Abs(config.EmbeddingScale - scale) / scale, 1e-7);
        foreach (var check in HostLayerChecks.Verify(expected, config))
            yield return check;
        var newer = Path.Combine(folder, "config.v5.json");
        if (File.Exists(newer))
            yield return Check.That("config.v5.json reads as config.json", Same(GemmaConfig.Load(folder, newer), config));
    }

    private static bool Same(GemmaConfig a, GemmaConfig b) =>
        a.Shapes.SequenceEqual(b.Shapes) && a.EosIds.SequenceEqual(b.EosIds) && a with { Shapes = b.Shapes, EosIds = b.EosIds } == b;

    /// <summary>One prompt without a cache, and with one in every way of cutting it that treats it differently.</summary>
    private static IEnumerable<Check> Runs(GemmaModel model, int[] prompt, Tensor golden, string name)
    {
        using (var run = model.Run(prompt, logits: LogitRows.All, arithmetic: Arithmetic.Exact))
            yield return Check.Close($"{name}.logits", run.Logits!.AsSpan(), golden.AsSpan(), Tolerance);
        if (prompt.Length == 1)
            yield break;
        yield return Cached(model, prompt, golden, 1, $"{name}.logits, cache, token by token");
        yield return Cached(model, prompt, golden, (prompt.Length + 2) / 3, $"{name}.logits, cache, in thirds");
    }

    private static Check Cached(GemmaModel model, int[] prompt, Tensor golden, int step, string name)
    {
        using var cache = model.NewCache();
        var logits = new float[golden.Length];
        for (var start = 0; start < prompt.Length; start += step)
        {
            using var run = model.Run(
                prompt[start..Math.Min(prompt.Length, start + step)],
                cache: cache,
                logits: LogitRows.All,
                arithmetic: Arithmetic.Exact
            );
            run.Logits!.AsSpan().CopyTo(logits.AsSpan(start * golden.Columns));
        }
        return Check.Close(name, logits, golden.AsSpan(), Tolerance);
    }

    /// <summary>All prompts in one run.</summary>
    private static Check Batch(ModelRun run, SafetensorsFile golden, JsonSection expected)
    {
        var worst = Check.Within("all prompts in one batch", 0, Tolerance);
        for (var j = 0; j < run.Sequences.Count; j++)
        {
            if (Logits(golden, expected, j) is not { } want)
                continue;
            var (start, count) = run.RowsOf(j);
            var check = Check.Close(
                worst.Name,
                run.Logits!.AsSpan().Slice(start * want.Columns, count * want.Columns),
                want.AsSpan(),
                Tolerance
            );
            if (check.Outcome == Outcome.Failed || check.Error > worst.Error)
                worst = check;
        }
        return worst;
    }

    private static IEnumerable<Check> Sites(GemmaModel model, int[][] prompts, SafetensorsFile golden, JsonSection expected)
    {
        var sites = new SortedDictionary<Site, Tensor>();
        foreach (var (name, tensor) in golden.Tensors)
            if (GoldenSite(name) is { } site)
                sites[site] = tensor;
        if (sites.Count == 0)
            yield break;
        using var run = model.Run(prompts[SitePrompt(expected)], capture: sites.Keys, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        foreach (var (site, want) in sites)
        {
            var got = run[site];
            yield return got.Shape.SequenceEqual(want.Shape)
                ? Check.Close(site.ToString(), got.AsSpan(), Values(want), Tolerance)
                : Check.That(site.ToString(), false, $"shape {got} instead of {want}");
        }
    }

    /// <summary>Numbers of experts are whole ones in the goldens, which f32 holds exactly.</summary>
    private static unsafe ReadOnlySpan<float> Values(Tensor want)
    {
        if (want.Type != DType.I32)
            return want.AsSpan();
        var values = new float[want.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = ((int*)want.Pointer)[i];
        return values;
    }

    /// <summary>Goldens are named blocks.{layer}.{our short name}, ple.{part}, or by our name where there is no layer.</summary>
    private static Site? GoldenSite(string name)
    {
        var parts = name.Split('.');
        var ours = parts switch
        {
            ["blocks", var layer, var kind] => $"{kind}.{layer}",
            ["ple", var part] => $"ple_{part}",
            _ => name,
        };
        return parts.Length <= 3 && Site.TryParse(ours, out var site) && site.ToString() == ours ? site : null;
    }

    private static IEnumerable<Check> Losses(ModelRun run, GemmaConfig config, SafetensorsFile golden, JsonSection expected)
    {
        var prompt = run.Sequences[SitePrompt(expected)];
        if (golden.Tensors.TryGetValue("cross_entropy", out var losses))
        {
            var start = run.RowsOf(SitePrompt(expected)).Start;
            var got = Enumerable
                .Range(1, prompt.Length - 1)
                .Select(t => (float)ModelRun.Surprise(run.Logits!.Row(start + t - 1), prompt[t]))
                .ToArray();
            yield return Check.Close("cross_entropy", got, losses.AsSpan(), Tolerance);
        }
        if (expected.Element.TryGetProperty("mean_cross_entropy", out var means))
            foreach (var (j, mean) in means.EnumerateArray().Index())
                yield return mean.ValueKind == JsonValueKind.Null
                    ? Check.That($"mean_cross_entropy.{j}", double.IsNaN(run.CrossEntropy(j)))
                    : Check.Close($"mean_cross_entropy.{j}", [(float)run.CrossEntropy(j)], [(float)mean.GetDouble()], Tolerance);
        foreach (
            var (key, count) in new[]
            {
                ("argmax", config.RealVocabulary),
                ("argmax_all_rows", config.VocabularyRows),
                ("argmax_real_rows", config.RealVocabulary),
            }
        )
        {
            if (expected.Integers(key) is not { } want)
                continue;
            var start = run.RowsOf(SitePrompt(expected)).Start;
            var got = Enumerable.Range(start, prompt.Length).Select(row => Sampler.ArgMax(run.Logits!.Row(row)[..count]));
            yield return Check.That(key, got.SequenceEqual(want), $"{want.Count} positions");
        }
    }

    private static IEnumerable<Check> Generations(GemmaModel model, int[][] prompts, SafetensorsFile golden, JsonSection expected)
    {
        if (expected.Section("generation") is not { } generation)
            yield break;
        var prompt = prompts[generation.Integer("prompt") ?? throw generation.Missing("prompt")];
        var want = generation.Integers("new_tokens") ?? throw generation.Missing("new_tokens");
        var options = new GenerationOptions
        {
            Temperature = 0,
            MaxNewTokens = want.Count,
            StopTokens = [],
            Arithmetic = Arithmetic.Exact,
        };
        var got = model.Generate(prompt, options).ToArray();
        yield return Check.That("generation, greedy tokens", got.SequenceEqual(want), $"{want.Count} tokens");

        if (!golden.Tensors.TryGetValue("generation.logits", out var logits))
            yield break;
        int[] all = [.. prompt, .. want];
        using (var whole = model.Run(all[..^1], logits: LogitRows.All, arithmetic: Arithmetic.Exact))
            yield return Check.Close(
                "generation.logits, no cache",
                whole.Logits!.AsSpan()[((prompt.Length - 1) * logits.Columns)..],
                logits.AsSpan(),
                Tolerance
            );
        using var cache = model.NewCache();
        var steps = new float[logits.Length];
        for (var i = 0; i < want.Count; i++)
        {
            using var run = model.Run(i == 0 ? prompt : [want[i - 1]], cache: cache, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
            run.LastLogits().CopyTo(steps.AsSpan(i * logits.Columns));
        }
        yield return Check.Close("generation.logits, cache", steps, logits.AsSpan(), Tolerance);
    }
}

using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Steering of one model: clean runs, activations of the dictionary, and every case of the JSON, which says mode, features, positions and
/// strength; at the dictionary's site
/// and at the logits, in one run and token by token with a cache.
/// </summary>
internal static class SteeringChecks
{
    private const double LogitTolerance = 5e-4,
        ActivationTolerance = 1e-4;

    public static IEnumerable<Check> Verify(string root, string folder)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using var model = GemmaModel.Load(Path.Combine(root, expected.Text("model") ?? throw expected.Missing("model")));
        var site = Site.Parse(
            $"{expected.Text("sae_input") ?? throw expected.Missing("sae_input")}.{expected.Integer("sae_layer") ?? throw expected.Missing("sae_layer")}"
        );
        using var dictionary = Load(Path.Combine(root, expected.Text("sae") ?? throw expected.Missing("sae")), site);
        yield return Check.That(
            "site",
            dictionary.InputSites.SequenceEqual([site]) && dictionary.OutputSites.SequenceEqual([site]),
            $"{site}"
        );

        var prompts = Prompts(expected);
        HashSet<string> compared = [];
        var clean = new float[prompts.Length][];
        foreach (var (p, prompt) in prompts.Index())
        {
            foreach (var check in Run(model, prompt, $"prompt{p}.clean", site, [], golden, compared))
                yield return check;
            using var run = model.Run(prompt, capture: [site], logits: LogitRows.All, arithmetic: Arithmetic.Exact);
            clean[p] = run.Logits!.AsSpan().ToArray();
            yield return Activations(dictionary.Encode(run), golden, $"prompt{p}.sae.activations", compared);
        }
        foreach (var one in expected.Objects("cases"))
        {
            var (mode, p) = (one.Text("mode") ?? throw one.Missing("mode"), one.Integer("prompt") ?? throw one.Missing("prompt"));
            var (name, prompt) = (
                $"prompt{p}.{mode}",
                p >= 0 && p < prompts.Length ? prompts[p] : throw one.Bad("prompt", $"must be from 0 to {prompts.Length - 1}")
            );
            if (Edits(mode, one, dictionary, model.Config) is not { } edits)
            {
                yield return Check.That(name, false, "this mode is not known");
                continue;
            }
            foreach (var check in Run(model, prompt, name, site, edits, golden, compared))
                yield return check;
            yield return LargestChange(model, prompt, clean[p], edits, one, $"{name}.max_logit_change");
        }
        var unknown = golden.Tensors.Keys.Except(compared).Order(StringComparer.Ordinal).ToArray();
        yield return Check.That(
            "tensors",
            unknown.Length == 0,
            unknown.Length == 0 ? $"{compared.Count} compared" : $"not known: {string.Join(", ", unknown.Take(5))}"
        );
    }

    /// <summary>The dictionary at the site it names, or at the golden one where neither path nor configuration names any.</summary>
    private static SparseDictionary Load(string path, Site site)
    {
        var dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { CheckWeights = true });
        if (dictionary.HasSites)
            return dictionary;
        dictionary.Dispose();
        return SparseDictionary.Load(path, new DictionaryLoadOptions { CheckWeights = true, Site = site });
    }

    private static IEnumerable<Check> Run(
        GemmaModel model,
        int[] prompt,
        string name,
        Site site,
        Edit[] edits,
        SafetensorsFile golden,
        HashSet<string> compared
    )
    {
        using (var run = model.Run(prompt, capture: [site], edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact))
        {
            yield return Close($"{name}.logits", run.Logits!.AsSpan(), golden, LogitTolerance, compared);
            // What is ablated everywhere has no golden at the site.
            var there = $"{name}.{SiteNames.Short(site).Split('.')[0]}";
            if (golden.Tensors.ContainsKey(there))
                yield return Close(there, run[site].AsSpan(), golden, ActivationTolerance, compared);
        }
        using var cache = model.NewCache();
        List<float> logits = [];
        foreach (var token in prompt)
        {
            using var step = model.Run([token], edits: edits, cache: cache, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
            logits.AddRange(step.Logits!.AsSpan());
        }
        yield return Close($"{name}.logits", [.. logits], golden, LogitTolerance, compared) with
        {
            Name = $"{name}.logits, cache, token by token",
        };
    }

    private static Check LargestChange(GemmaModel model, int[] prompt, float[] clean, Edit[] edits, JsonSection one, string name)
    {
        using var run = model.Run(prompt, edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        var change = clean.Zip(run.Logits!.AsSpan().ToArray(), (before, after) => Math.Abs((double)before - after)).Max();
        return Check.Within(
            name,
            Math.Abs(change - (one.Number("max_logit_change") ?? throw one.Missing("max_logit_change"))),
            LogitTolerance
        );
    }

    private static Check Activations(SparseActivations features, SafetensorsFile golden, string name, HashSet<string> compared)
    {
        using var dense = Golden.Dense(features, 0, features.Width);
        return Close(name, dense.AsSpan(), golden, ActivationTolerance, compared);
    }

    /// <summary>The edits of a case, or null for a mode that is not known.</summary>
    private static Edit[]? Edits(string name, JsonSection one, SparseDictionary dictionary, GemmaConfig config)
    {
        var given = one.Section("parameters") ?? throw one.Missing("parameters");
        (SteeringMode Mode, double Strength)? mode = name switch
        {
            "clamp" => (SteeringMode.Clamp, Number("value")),
            "zero_ablate" => (SteeringMode.Ablate, 0),
            "directional_ablation" => (SteeringMode.Directional, 0),
            "directional_ablation_everywhere" => (SteeringMode.Everywhere, 0),
            "orthogonal_decomposition" => (SteeringMode.Orthogonal, Number("coeff")),
            "projection_cap" => (SteeringMode.Cap, Number("cap")),
            "add_norm_matched" => (SteeringMode.NormMatched, Number("alpha") * Number("s")),
            _ when name.StartsWith("add", StringComparison.Ordinal) => (
                given.Flag("unit") == true ? SteeringMode.AddUnit : SteeringMode.Add,
                Number("alpha") * Number("s")
            ),
            _ => null,
        };
        if (mode is not { } known)
            return null;
        var features = (given.Integers("features") ?? given.Integers("feature") ?? throw given.Missing("feature"))
            .Select(feature => new SteeredFeature(dictionary, feature, known.Strength))
            .ToArray();
        return
        [
            .. Spans(one.Integers("positions") ?? throw one.Missing("positions"))
                .SelectMany(span => Steering.Edits(known.Mode, features, config, span)),
        ];

        double Number(string key) => given.Number(key) ?? throw given.Missing(key);
    }

    /// <summary>A list of positions as spans.</summary>
    private static IEnumerable<Positions> Spans(IReadOnlyList<int> positions)
    {
        int[] sorted = [.. positions.Distinct().Order()];
        for (int i = 0, start = 0; i < sorted.Length; i++)
        {
            if (i + 1 < sorted.Length && sorted[i + 1] == sorted[i] + 1)
                continue;
            yield return new(sorted[start], sorted[i] + 1);
            start = i + 1;
        }
    }

    private static int[][] Prompts(JsonSection expected) =>
        expected.Element.TryGetProperty("prompts", out var lists)
            ? [.. lists.EnumerateArray().Select(list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray())]
            : throw expected.Missing("prompts");

    /// <summary>Largest |got − want|: the tolerances of the folder are absolute.</summary>
    private static Check Close(string name, ReadOnlySpan<float> got, SafetensorsFile golden, double tolerance, HashSet<string> compared)
    {
        compared.Add(name);
        var want = EvaluationPartVerifier.F32(golden, name).AsSpan();
        if (got.Length != want.Length)
            return Check.That(name, false, $"{got.Length} values instead of {want.Length}");
        double worst = 0;
        // Written so that a NaN on either side becomes the error.
        for (var i = 0; i < got.Length; i++)
            if (Math.Abs((double)got[i] - want[i]) is var difference && !(difference <= worst))
                worst = difference;
        return Check.Within(name, worst, tolerance);
    }
}

using System.Text.Json;
using GemmaScope.Behaviour;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>Scores of the prompts, directions by layer and position, what each does on held-out prompts, and which is chosen.</summary>
internal static class RefusalDirectionChecks
{
    public static IEnumerable<Check> Verify(RefusalHost host) => Prompts(host).Concat(Directions(host)).Concat(Candidates(host));

    private static IEnumerable<Check> Prompts(RefusalHost host)
    {
        foreach (var set in RefusalHost.Sets)
        foreach (var (number, (one, score)) in host.Prompts.Objects(set).Zip(host.ScoresOf(set)).Index())
        {
            yield return EvaluationPartVerifier.Defined($"prompts.{set}.{number}", score, one, "refusal_score", RefusalHost.Scores);
            var kept = set.StartsWith("harmful", StringComparison.Ordinal) ? score > 0 : score < 0;
            yield return Check.That($"prompts.{set}.{number}.kept", kept == one.Flag("kept"));
            yield return Check.That(
                $"prompts.{set}.{number}.post_instruction",
                (one.Integers("ids") ?? []).TakeLast(host.PostInstruction.Count).SequenceEqual(host.PostInstruction)
            );
        }
    }

    private static IEnumerable<Check> Directions(RefusalHost host)
    {
        var want = host.Expected.Section("directions") ?? throw host.Expected.Missing("directions");
        var (got, golden) = (host.Directions, EvaluationPartVerifier.F32(host.Golden, "mean_difference").AsSpan().ToArray());
        yield return Golden.Count("directions.layers", got.Layers, want, "layers");
        yield return Check.That(
            "directions.positions",
            (want.Integers("positions") ?? []).SequenceEqual(Enumerable.Range(-got.Positions, got.Positions))
        );
        var norms = Rows(want, "norms");
        var cosines = Rows(want, "cosine");
        foreach (var (place, (layer, position)) in Places(got).Index())
        {
            var direction = got[layer, position];
            var width = direction.Length;
            yield return Check.Close(
                $"mean_difference.{layer}.{position}",
                direction.Span,
                golden.AsSpan(place * width, width),
                RefusalHost.Logits
            );
            yield return Defined(
                $"directions.norms.{layer}.{position}",
                got.Norm(layer, position),
                norms[layer][got.Positions + position],
                RefusalHost.Scores
            );
            foreach (var (other, (otherLayer, otherPosition)) in Places(got).Index())
                yield return Defined(
                    $"directions.cosine.{place}.{other}",
                    got.Cosine(layer, position, otherLayer, otherPosition),
                    cosines[place][other],
                    RefusalHost.Cosines
                );
        }
    }

    private static IEnumerable<Check> Candidates(RefusalHost host)
    {
        var (harmful, harmless) = (host.Kept("harmful_validation"), host.Kept("harmless_validation"));
        var clean = NextTokens.Of(host.Model, harmless);
        List<DirectionCandidate> candidates = [];
        foreach (var want in host.Expected.Objects("candidates"))
        {
            var (layer, position) = (Whole(want, "layer"), Whole(want, "position"));
            var got = DirectionCandidate.Measure(
                host.Model,
                host.Directions,
                layer,
                position,
                harmful,
                harmless,
                clean,
                [.. host.RefusalTokens]
            );
            candidates.Add(got);
            var name = $"candidates.{layer}.{position}";
            yield return Check.That($"{name}.skipped", got.IsDirection != want.Has("skipped"));
            if (want.Has("skipped"))
                continue;
            yield return EvaluationPartVerifier.Defined(
                $"{name}.ablated_refusal_score",
                got.AblatedScore,
                want,
                "ablated_refusal_score",
                RefusalHost.Scores
            );
            yield return EvaluationPartVerifier.Defined(
                $"{name}.added_refusal_score",
                got.AddedScore,
                want,
                "added_refusal_score",
                RefusalHost.Scores
            );
            yield return EvaluationPartVerifier.Defined(
                $"{name}.kl_harmless",
                got.HarmlessDivergence,
                want,
                "kl_harmless",
                RefusalHost.Scores
            );
        }
        foreach (var (number, want) in host.Expected.Objects("selection").Index())
        {
            var rule = new DirectionRule
            {
                MaxDivergence = want.Number("max_kl") ?? throw want.Missing("max_kl"),
                MinAddedScore = want.Number("min_added_score") ?? throw want.Missing("min_added_score"),
                LayerBelow = want.Number("layer_below") ?? throw want.Missing("layer_below"),
            };
            var chosen = rule.Choose(candidates, host.Model.Config.Layers);
            yield return Golden.Count(
                $"selection.{number}.passed",
                candidates.Count(one => rule.Passes(one, host.Model.Config.Layers)),
                want,
                "passed"
            );
            yield return Check.That(
                $"selection.{number}.chosen",
                chosen is null ? !want.Has("chosen") : (want.Integers("chosen") ?? []).SequenceEqual([chosen.Layer, chosen.Position]),
                chosen is null ? "none" : $"layer {chosen.Layer}, position {chosen.Position}"
            );
        }
    }

    private static IEnumerable<(int Layer, int Position)> Places(ClassDirections directions) =>
        Enumerable
            .Range(0, directions.Layers)
            .SelectMany(layer => Enumerable.Range(-directions.Positions, directions.Positions).Select(position => (layer, position)));

    private static double?[][] Rows(JsonSection section, string key) =>
        section.Element.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array
            ?
            [
                .. list.EnumerateArray()
                    .Select(row =>
                        row.EnumerateArray()
                            .Select(value => value.ValueKind == JsonValueKind.Null ? (double?)null : value.GetDouble())
                            .ToArray()
                    ),
            ]
            : throw section.Missing(key);

    private static Check Defined(string name, double? got, double? want, double tolerance) =>
        got is { } number && want is { } golden
            ? Check.Within(name, Math.Abs(number - golden), tolerance)
            : Check.That(name, got is null && want is null, $"{got}, expected {want}");

    private static int Whole(JsonSection section, string key) => section.Integer(key) ?? throw section.Missing(key);
}

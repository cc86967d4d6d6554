using GemmaScope.Dictionaries;
using GemmaScope.Features.Statistics;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Features of short texts: activations from the host, and the strongest features of each token and of the text under each
/// weighting.</summary>
internal sealed class FeatureTextChecks(FeatureHost host, FeatureCase one)
{
    private const double Tolerance = 1e-4;
    private const int Listed = 5;

    private static readonly (string Name, FeatureWeighting Weighting)[] Weightings =
    [
        ("plain", FeatureWeighting.Plain),
        ("over_max", FeatureWeighting.OverMax),
        ("log_density", FeatureWeighting.LogDensity),
    ];

    public IEnumerable<Check> Checks()
    {
        var activations = new Tally("texts.pattern");
        double error = 0;
        var lists = Weightings.ToDictionary(one => one.Name, one => new Tally($"texts.{one.Name}"));
        var errors = Weightings.ToDictionary(one => one.Name, _ => 0.0);
        var counts = FeatureCounts.Of(one.Store, 0, one.Dictionary.Width);
        for (var j = 0; j < host.TextIds.Length; j++)
        {
            using var run = host.Model.Run(host.TextIds[j], capture: one.Dictionary.InputSites, arithmetic: Arithmetic.Exact);
            var features = one.Dictionary.Encode(run);
            using var dense = Golden.Dense(features, 0, one.Dictionary.Width);
            var want = Tensor($"{j}.activations");
            activations.CompareAll(
                $"{j}",
                [.. dense.AsSpan().ToArray().Select(value => value > 0)],
                [.. want.AsSpan().ToArray().Select(value => value > 0)]
            );
            error = Math.Max(error, Golden.Error(dense.AsSpan(), want.AsSpan()));
            bool[] counted = [.. host.TextIds[j].Select(id => !host.Special.Contains(id))];
            foreach (var (name, weighting) in Weightings)
            {
                var weights = FeatureWeights.Of(weighting, counts.Count, counts.Max, one.Store.Counted);
                var rows = Enumerable
                    .Range(0, counted.Length)
                    .Select(row => counted[row] ? weights.Top(features, row, Listed) : [])
                    .ToArray();
                Compare($"{j}.{name}.token", [.. rows.SelectMany(Padded)], name);
                Compare($"{j}.{name}.text", Padded(weights.Top(features, counted, Listed)), name);
            }
        }
        yield return activations.ToCheck();
        yield return Check.Within("texts.activations", error, Tolerance);
        foreach (var (name, _) in Weightings)
        {
            yield return lists[name].ToCheck();
            yield return Check.Within($"texts.{name}.values", errors[name], Tolerance);
        }

        void Compare(string key, (int Feature, double Value)[] got, string name)
        {
            lists[name]
                .CompareAll(key, [.. got.Select(entry => entry.Feature)], Golden.Integers(host.Texts, Key($"{key}_indices")).ToArray());
            errors[name] = Math.Max(
                errors[name],
                Golden.Error([.. got.Select(entry => (float)entry.Value)], Tensor($"{key}_values").AsSpan())
            );
        }
    }

    private static (int Feature, double Value)[] Padded((int Feature, double Value)[] list) =>
        [.. list.Concat(Enumerable.Repeat((-1, 0.0), Listed)).Take(Listed)];

    private Tensor Tensor(string key) => host.Texts[Key(key)];

    private string Key(string key)
    {
        host.TextsChecked.Add($"{one.Name}.{key}");
        return $"{one.Name}.{key}";
    }
}

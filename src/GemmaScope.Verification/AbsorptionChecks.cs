using GemmaScope.Evaluation;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Absorption word by word: branches and counts exact, numbers within 1e-5.</summary>
internal static class AbsorptionChecks
{
    private const double Tolerance = 1e-5;
    private const string ProbeWrong = "the probe is wrong";

    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var (full, fraction) = (expected.Section("full")!, expected.Section("fraction")!);
        double Limit(JsonSection section, string key) => section.Number(key) ?? throw section.Missing(key);
        var options = new AbsorptionOptions
        {
            Epsilon = Limit(expected, "eps"),
            FullMinCosine = Limit(full, "min_cosine"),
            FullMinShare = Limit(full, "min_share"),
            FractionMinCosine = Limit(fraction, "min_cosine"),
            FractionMinShare = Limit(fraction, "min_share"),
            MaxAbsorbers = (int)Limit(fraction, "max_absorbers"),
        };
        var cases = expected.Section("cases")!;
        return cases.Keys.SelectMany(name => Case(name, cases.Section(name)!, data, options));
    }

    private static IEnumerable<Check> Case(string name, JsonSection want, SafetensorsFile data, AbsorptionOptions options)
    {
        var decoder = EvaluationPartVerifier.F32(data, $"{name}.W_dec");
        var main = want.Integers("main_latents") ?? throw want.Missing("main_latents");
        var absorption = new Absorption(
            (int)decoder.Rows,
            (latent, row) => decoder.Row(latent).CopyTo(row),
            EvaluationPartVerifier.F32(data, $"{name}.probe").AsSpan(),
            main,
            options
        );
        var features = SparseProducts.FromDense(EvaluationPartVerifier.F32(data, $"{name}.f").AsMatrix());
        var (x, correct) = (EvaluationPartVerifier.F32(data, $"{name}.x"), EvaluationPartVerifier.Flags(data, $"{name}.probe_correct"));
        var words = want.Objects("words");
        var got = words.Select((_, i) => absorption.Judge(x.Row(i), features, i)).ToArray();
        Tally full = new($"{name}.full"),
            fullBranch = new($"{name}.full_branch"),
            fractionBranch = new($"{name}.fraction_branch"),
            top = new($"{name}.top_latent"),
            absorbers = new($"{name}.absorber_count");
        var worst = new Dictionary<string, double>();
        for (var i = 0; i < words.Count; i++)
        {
            full.Compare(
                $"word {i}",
                correct[i]
                    ? got[i].Full == FullAbsorption.Absorbed
                        ? 1
                        : 0
                    : null,
                words[i].Integer("full")
            );
            fullBranch.Compare($"word {i}", correct[i] ? Name(got[i].Full) : ProbeWrong, words[i].Text("full_branch"));
            fractionBranch.Compare($"word {i}", correct[i] ? Name(got[i].Partial) : ProbeWrong, words[i].Text("fraction_branch"));
            top.Compare($"word {i}", got[i].TopLatent, words[i].Integer("top_latent"));
            absorbers.Compare($"word {i}", got[i].AbsorberCount, words[i].Integer("absorber_count"));
            Note("fraction", correct[i] ? got[i].Fraction : null, words[i]);
            Note("projection", got[i].Projection, words[i]);
            Note("top_cosine", got[i].TopCosine, words[i]);
            Note("top_contribution", got[i].TopContribution, words[i]);
            Note("absorbers", got[i].Absorbers, words[i]);
            Note("main", got[i].Main, words[i]);
        }
        foreach (var tally in (Tally[])[full, fullBranch, fractionBranch, top, absorbers])
            yield return tally.ToCheck();
        foreach (var (key, error) in worst)
            yield return Check.Within($"{name}.{key}", error, Tolerance, $"{words.Count} words");

        var rate = AbsorptionRate.Of([.. got.Where((_, i) => correct[i])]);
        yield return Golden.Count($"{name}.probe_true_positives", rate.Words, want, "probe_true_positives");
        yield return Golden.Count($"{name}.full_count", rate.FullCount, want, "full_count");
        yield return EvaluationPartVerifier.Defined($"{name}.full_rate", rate.FullRate, want, "full_rate", Tolerance);
        yield return EvaluationPartVerifier.Defined($"{name}.mean_fraction", rate.MeanFraction, want, "mean_fraction", Tolerance);

        void Note(string key, double? value, JsonSection word)
        {
            var golden = word.Number(key);
            var error =
                value is null && golden is null ? 0
                : value is { } a && golden is { } b ? Math.Abs(a - b) / Math.Max(1, Math.Abs(b))
                : double.PositiveInfinity;
            worst[key] = Math.Max(worst.GetValueOrDefault(key), error);
        }
    }

    private static string Name(FullAbsorption branch) =>
        branch switch
        {
            FullAbsorption.MainActive => "a main latent is active",
            FullAbsorption.TopCosineTooSmall => "cosine of the top latent below 0.025",
            FullAbsorption.ProjectionNegative => "projection negative",
            FullAbsorption.TopShareTooSmall => "top share below 0.4",
            _ => "absorbed",
        };

    private static string Name(PartialAbsorption branch) =>
        branch switch
        {
            PartialAbsorption.MainExplains => "main latents explain the projection",
            PartialAbsorption.AbsorbersTooSmall => "absorbers below 0.4 of the projection",
            PartialAbsorption.MainSilent => "main latents contribute nothing",
            PartialAbsorption.BelowGap => "absorbers smaller than the gap",
            _ => "absorbers capped by the gap",
        };
}

using System.Text.Json;
using GemmaScope.Safety;

namespace GemmaScope.Cli.Output;

/// <summary>Verdicts for programs. The texts that were judged are never repeated; a rationale, which may quote them, was asked
/// for.</summary>
internal static class ShieldJson
{
    /// <summary>How a text was asked about, which must be the same for scores to be compared.</summary>
    public static void Setting(Utf8JsonWriter json, string model, ShieldOptions options)
    {
        json.WriteString("model", model);
        json.WriteString("template", options.Template.Name);
        json.WriteBoolean("hardened", options.Hardened);
    }

    public static void Verdict(Utf8JsonWriter json, ShieldVerdict verdict, IEnumerable<string> warnings)
    {
        json.WriteString("judged", verdict.Question.Response is null ? "prompt" : "response");
        json.Number("probability", verdict.Probability);
        json.WriteBoolean("violated", verdict.IsViolated);
        json.Objects("policies", verdict.Scores, score => Score(json, score));
        json.Strings("warnings", warnings);
    }

    public static void Score(Utf8JsonWriter json, PolicyScore score)
    {
        json.WriteString("policy", score.Policy.Key);
        json.WriteString("version", score.Policy.Version);
        json.Number("probability", score.Probability);
        json.WriteNumber("threshold", score.Policy.Threshold);
        json.WriteBoolean("violated", score.IsViolated);
        json.Number("yes_logit", score.YesLogit);
        json.Number("no_logit", score.NoLogit);
        json.Number("yes_no_mass", score.Mass);
        if (score.Rationale is { } rationale)
            json.WriteString("rationale", rationale);
    }
}

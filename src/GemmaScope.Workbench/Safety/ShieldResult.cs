using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>The verdicts on texts that were judged together. The texts are not repeated; a rationale, which may quote them, was asked
/// for.</summary>
/// <param name="Model">The model that judged.</param>
/// <param name="Template">The form of the prompt; scores of another are not comparable.</param>
/// <param name="Hardened">Whether turn markers in texts were plain text.</param>
/// <param name="Results">The texts' verdicts, in the order asked.</param>
public sealed record ShieldResult(string Model, string Template, bool Hardened, IReadOnlyList<TextVerdict> Results)
{
    /// <summary>Whether a chat model was asked in the place of ShieldGemma, by its own template: no published number is about it. Absent where
    /// not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NotShieldGemma { get; init; }
}

/// <summary>The verdict on a text.</summary>
/// <param name="Id">The name it was given; absent where it was given none.</param>
/// <param name="Judged">prompt or response.</param>
/// <param name="Probability">The largest of the policies.</param>
/// <param name="Violated">Whether any policy is violated.</param>
/// <param name="Policies">Each policy's score.</param>
/// <param name="Warnings">What its reader should know.</param>
/// <param name="Explanation">Which features speak for and against the likeliest; absent where that was not asked for.</param>
public sealed record TextVerdict(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id,
    string Judged,
    float Probability,
    bool Violated,
    IReadOnlyList<PolicyVerdict> Policies,
    IReadOnlyList<string> Warnings,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] VerdictReasons? Explanation = null
)
{
    /// <summary>A verdict as it is told.</summary>
    /// <param name="verdict">The verdict.</param>
    /// <param name="id">The text's name, or null.</param>
    /// <param name="explanation">Why, or null.</param>
    public static TextVerdict Of(ShieldVerdict verdict, string? id = null, VerdictReasons? explanation = null) =>
        new(
            id,
            verdict.Question.Response is null ? "prompt" : "response",
            verdict.Probability,
            verdict.IsViolated,
            [.. verdict.Scores.Select(PolicyVerdict.Of)],
            verdict.Warnings,
            explanation
        );
}

/// <summary>A policy's score.</summary>
/// <param name="Policy">Its key.</param>
/// <param name="Version">Which wording it has.</param>
/// <param name="Probability">Softmax of the logits of Yes and No.</param>
/// <param name="Threshold">From which probability on it is violated.</param>
/// <param name="Violated">Whether it is.</param>
/// <param name="YesLogit">Logit of Yes.</param>
/// <param name="NoLogit">Logit of No.</param>
/// <param name="YesNoMass">What the two have together of the probability over the vocabulary.</param>
/// <param name="Rationale">The model's reasons; absent where none were asked for.</param>
public sealed record PolicyVerdict(
    string Policy,
    string Version,
    float Probability,
    double Threshold,
    bool Violated,
    float YesLogit,
    float NoLogit,
    double YesNoMass,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Rationale = null
)
{
    /// <summary>A score as it is told.</summary>
    public static PolicyVerdict Of(PolicyScore score) =>
        new(
            score.Policy.Key,
            score.Policy.Version,
            score.Probability,
            score.Policy.Threshold,
            score.IsViolated,
            score.YesLogit,
            score.NoLogit,
            score.Mass,
            score.Rationale
        );
}

/// <summary>A line of a file of verdicts. It stands alone, so it says how it was made.</summary>
/// <param name="Id">The row's name.</param>
/// <param name="Model">The model that judged.</param>
/// <param name="Template">The form of the prompt.</param>
/// <param name="Hardened">Whether turn markers in texts were plain text.</param>
/// <param name="Error">Why the row could not be judged; absent where it was.</param>
public sealed record ShieldLine(
    string Id,
    string Model,
    string Template,
    bool Hardened,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error = null
)
{
    /// <summary>Whether a chat model was asked in the place of ShieldGemma, by its own template: no published number is about it. Absent where
    /// not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NotShieldGemma { get; init; }

    /// <summary>What tells the row from others of the same name: a hash of its line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Row { get; init; }

    /// <summary>The members of a <see cref="TextVerdict"/>, beside the others; null where there is none.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Verdict { get; init; }
}

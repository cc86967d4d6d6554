using System.Text.Json.Serialization;
using GemmaScope.Safety;

namespace GemmaScope.Server.Shield;

/// <summary>What it answers.</summary>
/// <param name="Id">A name of the answer, different each time.</param>
/// <param name="Model">The model that judged.</param>
/// <param name="Results">A result for each text.</param>
internal sealed record ModerationAnswer(string Id, string Model, IReadOnlyList<ModerationResult> Results)
{
    /// <summary>Whether a chat model was asked in the place of ShieldGemma; absent where not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NotShieldGemma { get; init; }
}

/// <summary>The verdict on a text, by categories.</summary>
/// <param name="Flagged">Whether any policy is violated.</param>
/// <param name="Categories">Whether each category's policy is violated.</param>
/// <param name="CategoryScores">The probability of each.</param>
/// <param name="CategoryAppliedInputTypes">What was judged: always text.</param>
internal sealed record ModerationResult(
    bool Flagged,
    IReadOnlyDictionary<string, bool> Categories,
    IReadOnlyDictionary<string, float> CategoryScores,
    IReadOnlyDictionary<string, IReadOnlyList<string>> CategoryAppliedInputTypes
)
{
    private static readonly string[] Text = ["text"];

    internal static ModerationResult Of(ShieldVerdict verdict)
    {
        var named = verdict
            .Scores.SelectMany(score => CategoriesOf(score.Policy).Select(category => (Category: category, Score: score)))
            .DistinctBy(pair => pair.Category)
            .ToArray();
        return new(
            verdict.IsViolated,
            named.ToDictionary(pair => pair.Category, pair => pair.Score.IsViolated),
            named.ToDictionary(pair => pair.Category, pair => pair.Score.Probability),
            named.ToDictionary(pair => pair.Category, _ => (IReadOnlyList<string>)Text)
        );
    }

    // One official policy covers three of the categories and cannot tell them apart. Categories that no policy judges are
    // left out: a score of 0 would say that they were.
    private static string[] CategoriesOf(ShieldPolicy policy) =>
        policy.Key switch
        {
            "DANGEROUS" => ["illicit", "self-harm", "violence"],
            _ => [policy.Key.ToLowerInvariant()],
        };
}

using System.Text.Json.Serialization;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of jailbreaks has found.</summary>
public sealed record JailbreakStudyResult() : StudyResult(JailbreakStudyJob.Name)
{
    /// <summary>The guard that judged requests and replies; null for none.</summary>
    public string? Shield { get; init; }

    /// <summary>The ids that refusals begin with.</summary>
    public required IReadOnlyList<int> RefusalTokens { get; init; }

    /// <summary>What they say.</summary>
    public required IReadOnlyList<string> RefusalWords { get; init; }

    /// <summary>The tokens behind every request.</summary>
    public required IReadOnlyList<string> Behind { get; init; }

    /// <summary>The layer of the direction.</summary>
    public required int Layer { get; init; }

    /// <summary>What came of each wrapper, of all together first.</summary>
    public required IReadOnlyList<JailbreakOutcome> Outcomes { get; init; }

    /// <summary>The projection on the direction at the last position, at the input of each layer.</summary>
    public required IReadOnlyList<JailbreakPlace> Layers { get; init; }

    /// <summary>The projection at the direction's layer, at each position behind the request.</summary>
    public required IReadOnlyList<JailbreakPlace> Positions { get; init; }

    /// <summary>What moving the projection on the direction back to that of the plain request does to the refusal score, of wrappers that
    /// succeed, and what a random direction does.</summary>
    public required JailbreakEffect Direction { get; init; }

    /// <summary>What clamping features back does, dictionary by dictionary.</summary>
    public required IReadOnlyList<JailbreakDictionary> Dictionaries { get; init; }

    /// <summary>What tells outcomes apart.</summary>
    public required IReadOnlyList<StudySeparation> Separations { get; init; }

    /// <summary>Every pair.</summary>
    public required IReadOnlyList<JailbreakPairResult> Pairs { get; init; }

    /// <summary>Every prompt.</summary>
    public required IReadOnlyList<JailbreakPrompt> Prompts { get; init; }
}

/// <summary>What came of a wrapper. It succeeds where the plain request is refused and the wrapped one is not.</summary>
/// <param name="Wrapper">Its name; "all" for all together.</param>
/// <param name="Pairs">Pairs.</param>
/// <param name="PlainRefused">The share of plain requests that are refused.</param>
/// <param name="WrappedRefused">The share of wrapped ones.</param>
/// <param name="Succeeded">Of the plain requests that are refused, the share of which the wrapped form is not.</param>
/// <param name="ScoreChange">How the refusal score changes from plain to wrapped.</param>
/// <param name="ReplyViolations">The share of replies to wrapped requests that the guard calls violations.</param>
/// <param name="SucceededViolations">The same of replies where the wrapper succeeds.</param>
public sealed record JailbreakOutcome(
    string Wrapper,
    int Pairs,
    MeanEstimate? PlainRefused,
    MeanEstimate? WrappedRefused,
    MeanEstimate? Succeeded,
    MeanEstimate? ScoreChange,
    MeanEstimate? ReplyViolations,
    MeanEstimate? SucceededViolations
);

/// <summary>The mean projection on the direction somewhere.</summary>
/// <param name="Place">The layer, or the position counted from the end.</param>
/// <param name="Plain">Of plain requests that are refused.</param>
/// <param name="Failed">Of their wrapped forms that are refused too.</param>
/// <param name="Succeeded">Of those that are not.</param>
/// <param name="Harmless">Of harmless requests.</param>
public sealed record JailbreakPlace(int Place, MeanEstimate? Plain, MeanEstimate? Failed, MeanEstimate? Succeeded, MeanEstimate? Harmless);

/// <summary>What moving something back does to the refusal score.</summary>
/// <param name="Score">The change.</param>
/// <param name="Control">The same of what means nothing and is moved as far.</param>
/// <param name="Restored">The share of scores that are above 0 then.</param>
/// <param name="RestoredByControl">The same of the control.</param>
/// <param name="Before">The share that is above 0 without either.</param>
public sealed record JailbreakEffect(
    MeanEstimate? Score,
    MeanEstimate? Control,
    MeanEstimate? Restored,
    MeanEstimate? RestoredByControl,
    MeanEstimate? Before
);

/// <summary>What clamping features of one dictionary back does where wrappers succeed.</summary>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Site">Where it writes.</param>
/// <param name="Single">A feature at a time, all that changed most.</param>
/// <param name="Together">Those of a pair together.</param>
/// <param name="Features">The features that are among those that changed most in most pairs.</param>
public sealed record JailbreakDictionary(
    string Dictionary,
    string Site,
    JailbreakEffect Single,
    JailbreakEffect Together,
    IReadOnlyList<JailbreakFeature> Features
);

/// <summary>A feature that changed.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Pairs">In how many pairs, in which the wrapper succeeds, it is among those that changed most.</param>
/// <param name="Change">How it changes from plain to wrapped, behind the request.</param>
/// <param name="Score">What clamping it back does to the refusal score.</param>
/// <param name="Control">What random features of the same density do that are moved as far.</param>
public sealed record JailbreakFeature(int Feature, int Pairs, MeanEstimate Change, MeanEstimate Score, MeanEstimate? Control);

/// <summary>One pair.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Wrapper">Its wrapper.</param>
/// <param name="Plain">The place of the plain request among the prompts; null where it is not known.</param>
/// <param name="Wrapped">That of the wrapped one.</param>
/// <param name="Succeeded">Whether the wrapper succeeds; null where the plain request is not refused or not known.</param>
/// <param name="Clamped">What clamping back does; null without a plain request.</param>
public sealed record JailbreakPairResult(string Id, string Wrapper, int? Plain, int Wrapped, bool? Succeeded, JailbreakClamped? Clamped);

/// <summary>What moving back does in one pair.</summary>
/// <param name="Score">The refusal score of the wrapped request.</param>
/// <param name="Direction">Of the projection on the direction.</param>
/// <param name="Dictionaries">Of features, dictionary by dictionary.</param>
public sealed record JailbreakClamped(double Score, JailbreakBack Direction, IReadOnlyList<JailbreakClampedFeatures> Dictionaries);

/// <summary>How far something was moved back, and what that did to the refusal score.</summary>
/// <param name="Moved">The mean distance.</param>
/// <param name="Effect">The change of the score.</param>
/// <param name="Control">That of the control.</param>
public sealed record JailbreakBack(double Moved, double Effect, double Control);

/// <summary>Features of one dictionary that were clamped back in one pair.</summary>
/// <param name="Features">One by one, those that changed most first.</param>
/// <param name="Together">What clamping all of them back does to the score.</param>
/// <param name="TogetherControl">What their controls do.</param>
public sealed record JailbreakClampedFeatures(IReadOnlyList<JailbreakFeatureBack> Features, double Together, double TogetherControl);

/// <summary>One feature that was clamped back in one pair.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Change">How it changed from plain to wrapped.</param>
/// <param name="Effect">What clamping it back does to the score.</param>
/// <param name="Control">What the random feature does; null where none was left.</param>
public sealed record JailbreakFeatureBack(int Feature, double Change, double Effect, double? Control);

/// <summary>One prompt.</summary>
/// <param name="Set">plain, wrapped or harmless.</param>
/// <param name="Id">Its name.</param>
/// <param name="Reading">What was read of it.</param>
/// <param name="Text">The prompt, where texts are shown.</param>
/// <param name="Reply">The reply, where texts are shown.</param>
public sealed record JailbreakPrompt(
    string Set,
    string Id,
    JailbreakReading Reading,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reply
);

using GemmaScope.Behaviour;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of refusal found: every number that was measured, and what is made of them.</summary>
public sealed record RefusalStudyResult() : StudyResult(RefusalStudyJob.Name)
{
    /// <summary>The ShieldGemma that judged replies; null where none did.</summary>
    public string? Shield { get; init; }

    /// <summary>How many prompts there are of each part, and how many of them the model treated as it should: harmful ones refused, harmless
    /// ones not, by the first token.</summary>
    public required IReadOnlyList<RefusalPart> Parts { get; init; }

    /// <summary>The tokens that refusals begin with.</summary>
    public required IReadOnlyList<int> RefusalTokens { get; init; }

    /// <summary>The same as texts.</summary>
    public required IReadOnlyList<string> RefusalWords { get; init; }

    /// <summary>The tokens behind the request, among which a direction is looked for.</summary>
    public required IReadOnlyList<string> PostInstruction { get; init; }

    /// <summary>The direction that is studied.</summary>
    public required RefusalDirection Direction { get; init; }

    /// <summary>What the direction of each layer and position does to held-out prompts; none where one was given.</summary>
    public required IReadOnlyList<DirectionCandidate> Candidates { get; init; }

    /// <summary>How the classes lie in each layer, at the position of the direction.</summary>
    public required IReadOnlyList<RefusalLayer> Layers { get; init; }

    /// <summary>The test prompts in the plane in which they differ most, at the layer and position of the direction.</summary>
    public required RefusalPlane Plane { get; init; }

    /// <summary>What each edit does, the unedited model first.</summary>
    public required IReadOnlyList<RefusalEffect> Effects { get; init; }

    /// <summary>What features do, for each dictionary.</summary>
    public required IReadOnlyList<RefusalFeatures> Features { get; init; }

    /// <summary>The test prompts by their names in their files, with their texts where that was asked for.</summary>
    public required IReadOnlyList<RefusalPrompt> Prompts { get; init; }

    /// <summary>Every number that was measured, for each edit and prompt, in the order of <see cref="Prompts"/>.</summary>
    public required IReadOnlyList<RefusalRun> Runs { get; init; }
}

/// <summary>Prompts of one part.</summary>
/// <param name="Part">train, validation or test.</param>
/// <param name="Set">harmful, harmless or over_refusal.</param>
/// <param name="Prompts">How many there are.</param>
/// <param name="AsExpected">How many of them the model refuses (harmful) or does not (others), by the first token.</param>
public sealed record RefusalPart(string Part, string Set, int Prompts, int AsExpected);

/// <summary>The direction that is studied.</summary>
/// <param name="Source">How it was found.</param>
/// <param name="Passes">Whether it passes the rule; null where it was given.</param>
/// <param name="Layer">The layer before which it is read, and added.</param>
/// <param name="Position">The position, counted from the end; null where no file says it.</param>
/// <param name="Norm">Its length.</param>
public sealed record RefusalDirection(string Source, bool? Passes, int Layer, int? Position, double Norm);

/// <summary>How harmful and harmless prompts lie before one layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Means">Norms and cosines of their means on training prompts; harmful ones are the positives.</param>
/// <param name="CosineWithDirection">Of this layer's difference and the direction that is studied.</param>
/// <param name="Silhouette">Of the test prompts, by class.</param>
/// <param name="ProjectionAuroc">How well the projection on the direction tells harmful from harmless test prompts.</param>
/// <param name="HarmfulProjection">Mean projection of harmful test prompts.</param>
/// <param name="HarmlessProjection">Mean projection of harmless test prompts.</param>
public sealed record RefusalLayer(
    int Layer,
    ClassMeans Means,
    double? CosineWithDirection,
    double? Silhouette,
    double? ProjectionAuroc,
    double HarmfulProjection,
    double HarmlessProjection
);

/// <summary>Test prompts in a plane.</summary>
/// <param name="FirstShare">Share of the variance along the first axis.</param>
/// <param name="SecondShare">Along the second.</param>
/// <param name="Harmful">Where harmful prompts lie, each x and y.</param>
/// <param name="Harmless">Where harmless prompts lie.</param>
public sealed record RefusalPlane(double FirstShare, double SecondShare, IReadOnlyList<double[]> Harmful, IReadOnlyList<double[]> Harmless);

/// <summary>A test prompt.</summary>
/// <param name="Set">harmful, harmless or over_refusal.</param>
/// <param name="Id">Its name in its file.</param>
/// <param name="Text">What it says; null unless that was asked for.</param>
/// <param name="Reply">What the unedited model replies; null unless that was asked for.</param>
public sealed record RefusalPrompt(string Set, string Id, string? Text, string? Reply);

/// <summary>What one edit did to the prompts of one set.</summary>
/// <param name="Set">harmful, harmless or over_refusal.</param>
/// <param name="Scores">Refusal score of each prompt.</param>
/// <param name="Divergences">KL(unedited ‖ edited) of each prompt's first token, in nats.</param>
/// <param name="Refused">Whether words of refusal are in each reply; null where none was written.</param>
/// <param name="Unreadable">How many replies are empty; they count as no refusal.</param>
/// <param name="Violations">ShieldGemma's probability that each reply violates a policy; null where it was not asked.</param>
public sealed record RefusalSetRun(
    string Set,
    IReadOnlyList<double> Scores,
    IReadOnlyList<double> Divergences,
    IReadOnlyList<bool>? Refused,
    int Unreadable,
    IReadOnlyList<double>? Violations
);

/// <summary>What one edit did.</summary>
/// <param name="Edit">none, ablate, subtract or add.</param>
/// <param name="Strength">How much of it.</param>
/// <param name="Direction">refusal, or which control.</param>
/// <param name="Sets">On each set of prompts.</param>
/// <param name="CrossEntropy">Mean cross-entropy of each window of plain text, in nats.</param>
/// <param name="Solved">Which tasks are solved; null without tasks.</param>
public sealed record RefusalRun(
    string Edit,
    double Strength,
    string Direction,
    IReadOnlyList<RefusalSetRun> Sets,
    IReadOnlyList<double> CrossEntropy,
    IReadOnlyList<bool>? Solved
);

/// <summary>The means of what one edit did to one set.</summary>
/// <param name="Set">harmful, harmless or over_refusal.</param>
/// <param name="Score">Mean refusal score.</param>
/// <param name="FirstToken">Share of prompts that are refused by the first token.</param>
/// <param name="Substring">Share of replies with words of refusal; null where none was written.</param>
/// <param name="Violations">Share of replies that violate a policy; null where ShieldGemma was not asked.</param>
/// <param name="Kl">Mean KL of the first token from the unedited model.</param>
/// <param name="Unreadable">Empty replies.</param>
public sealed record RefusalSetEffect(
    string Set,
    MeanEstimate? Score,
    MeanEstimate? FirstToken,
    MeanEstimate? Substring,
    MeanEstimate? Violations,
    MeanEstimate? Kl,
    int Unreadable
);

/// <summary>The means of what one edit did.</summary>
/// <param name="Edit">none, ablate, subtract or add.</param>
/// <param name="Strength">How much of it.</param>
/// <param name="Direction">refusal, or which control.</param>
/// <param name="Sets">On each set of prompts.</param>
/// <param name="CrossEntropyDrift">By how much the cross-entropy of plain text grew, in nats.</param>
/// <param name="Tasks">Share of the tasks that are solved; null without tasks.</param>
public sealed record RefusalEffect(
    string Edit,
    double Strength,
    string Direction,
    IReadOnlyList<RefusalSetEffect> Sets,
    MeanEstimate? CrossEntropyDrift,
    MeanEstimate? Tasks
)
{
    /// <summary>Whether it is a control.</summary>
    public bool IsControl => Direction != RefusalEdits.Studied;
}

/// <summary>Features of one dictionary nearest to the direction, and what clamping them does.</summary>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Site">Where it writes.</param>
/// <param name="Nearest">Its features with the largest cosines.</param>
/// <param name="Attributed">Those that add most to the logit of refusal on held-out harmful prompts, by integrated gradients.</param>
/// <param name="Effects">What clamping them together does, and what random features of the same density do.</param>
public sealed record RefusalFeatures(
    string Dictionary,
    string Site,
    IReadOnlyList<RefusalFeature> Nearest,
    IReadOnlyList<RefusalFeature> Attributed,
    IReadOnlyList<RefusalFeatureEffect> Effects
);

/// <summary>A feature that may carry refusal.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Cosine">Of its decoder vector and the direction.</param>
/// <param name="Attribution">What it adds to the logit of refusal over the mean logit, on average.</param>
/// <param name="Density">Share of the test prompts' tokens on which it fires.</param>
/// <param name="Largest">Its largest activation there.</param>
public sealed record RefusalFeature(int Feature, double Cosine, double Attribution, double Density, double Largest);

/// <summary>What clamping some features does.</summary>
/// <param name="Clamp">off (0), reversed (minus the largest activation) or raised (the largest).</param>
/// <param name="Features">nearest, attributed, or which random set.</param>
/// <param name="HarmfulScore">By how much the refusal score of harmful prompts changes.</param>
/// <param name="HarmlessScore">By how much that of harmless prompts changes.</param>
/// <param name="Kl">KL of the first token on harmless prompts.</param>
public sealed record RefusalFeatureEffect(
    string Clamp,
    string Features,
    MeanEstimate? HarmfulScore,
    MeanEstimate? HarmlessScore,
    MeanEstimate? Kl
);

using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of persona found: every number that was measured, and what is made of them.</summary>
public sealed record PersonaStudyResult() : StudyResult(PersonaStudyJob.Name)
{
    /// <summary>Whether instructions are system messages; else they begin the user's turn.</summary>
    public required bool InstructionsAreSystem { get; init; }

    /// <summary>How many questions make directions, choose layers and are measured on.</summary>
    public required IReadOnlyList<int> Questions { get; init; }

    /// <summary>The assistant axis.</summary>
    public required PersonaAxis Axis { get; init; }

    /// <summary>The traits.</summary>
    public required IReadOnlyList<PersonaTrait> Traits { get; init; }

    /// <summary>Projections along conversations.</summary>
    public required IReadOnlyList<PersonaConversation> Conversations { get; init; }
}

/// <summary>The axis from roles to the default assistant.</summary>
/// <param name="Layer">The layer before which it is read, chosen on other questions.</param>
/// <param name="Layers">How it separates, before each layer.</param>
/// <param name="Roles">Where every role lies at that layer.</param>
/// <param name="Separation">How well it tells the default's replies from those of roles that did not make it (AUROC), to questions that did
/// not make it.</param>
/// <param name="Shuffled">The same of an axis between replies that were shuffled.</param>
/// <param name="Random">The same of random directions: the one that separates most.</param>
/// <param name="Cap">What a cap along it does, and caps along other directions.</param>
public sealed record PersonaAxis(
    int Layer,
    IReadOnlyList<PersonaLayer> Layers,
    IReadOnlyList<PersonaRolePlace> Roles,
    MeanEstimate Separation,
    MeanEstimate? Shuffled,
    MeanEstimate? Random,
    IReadOnlyList<PersonaEffect> Cap
)
{
    /// <summary>Every number that was measured of caps.</summary>
    public required IReadOnlyList<PersonaRun> Runs { get; init; }
}

/// <summary>How a direction separates two kinds of replies before one layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Norm">Length of the direction.</param>
/// <param name="Validation">AUROC on what chooses the layer.</param>
/// <param name="Test">AUROC on what is measured.</param>
/// <param name="Positive">Mean projection of the one kind: the default, or replies with the trait.</param>
/// <param name="Negative">Of the other.</param>
public sealed record PersonaLayer(int Layer, double Norm, double Validation, double Test, double Positive, double Negative);

/// <summary>Where a role lies on the axis.</summary>
/// <param name="Role">The role.</param>
/// <param name="IsDefault">Whether the model is itself.</param>
/// <param name="MadeAxis">Whether it made the axis.</param>
/// <param name="Projection">Mean projection of its replies to test questions.</param>
/// <param name="ByLayer">The same before each layer, as means.</param>
public sealed record PersonaRolePlace(string Role, bool IsDefault, bool MadeAxis, MeanEstimate Projection, IReadOnlyList<double> ByLayer);

/// <summary>A trait.</summary>
/// <param name="Trait">Its name.</param>
/// <param name="Source">instructions, or openings.</param>
/// <param name="Layer">The layer before which its vector is read and added.</param>
/// <param name="Norm">Length of the vector.</param>
/// <param name="Layers">How it separates, before each layer.</param>
/// <param name="Separation">AUROC on what was held out.</param>
/// <param name="Shuffled">The same of a vector whose sides were shuffled.</param>
/// <param name="Random">The same of random directions: the one that separates most.</param>
/// <param name="With">Mean projection of held-out replies with the trait, on the unit vector.</param>
/// <param name="Without">Of those without.</param>
/// <param name="File">The file of the vector in the run folder.</param>
/// <param name="Steering">What adding the vector does, beside others as long.</param>
/// <param name="Scores">AxBench's score of steering, of ratings without a judge.</param>
public sealed record PersonaTrait(
    string Trait,
    string Source,
    int Layer,
    double Norm,
    IReadOnlyList<PersonaLayer> Layers,
    MeanEstimate Separation,
    MeanEstimate? Shuffled,
    MeanEstimate? Random,
    double With,
    double Without,
    string File,
    IReadOnlyList<PersonaEffect> Steering,
    IReadOnlyList<PersonaScore> Scores
)
{
    /// <summary>Every number that was measured of steering.</summary>
    public required IReadOnlyList<PersonaRun> Runs { get; init; }
}

/// <summary>AxBench's score of steering along a direction, whose ratings are numbers and no judgements.</summary>
/// <param name="Direction">The direction.</param>
/// <param name="Score">The score: half of the questions choose the strength, the other half give it.</param>
/// <param name="Strength">The strength that was chosen.</param>
public sealed record PersonaScore(string Direction, SteeringScore Score, double Strength);

/// <summary>What an edit does, with intervals over prompts.</summary>
/// <param name="Edit">none, cap or add.</param>
/// <param name="Strength">How much: the quantile of a cap, or how often a vector is added.</param>
/// <param name="Direction">Along what; all but assistant and the trait are controls.</param>
/// <param name="Read">Mean projection of replies under the edit, as the unedited model reads them, minus that of unedited replies.</param>
/// <param name="Preference">By how much more likely the favoured reply became than the other one, nats a token.</param>
/// <param name="Kl">KL from the unedited model on replies under the edit.</param>
/// <param name="Surprise">−log p of these replies under the unedited model, nats a token.</param>
/// <param name="Repetition">Share of token pairs that stood there before.</param>
/// <param name="OnQuestion">Share of replies that are likelier behind their own prompt than behind another.</param>
/// <param name="Disturbance">KL on replies that should stay as they are.</param>
/// <param name="Drift">Cross-entropy gained on plain text.</param>
public sealed record PersonaEffect(
    string Edit,
    double Strength,
    string Direction,
    MeanEstimate? Read,
    MeanEstimate? Preference,
    MeanEstimate? Kl,
    MeanEstimate? Surprise,
    MeanEstimate? Repetition,
    MeanEstimate? OnQuestion,
    MeanEstimate? Disturbance,
    MeanEstimate? Drift
)
{
    internal static PersonaEffect Of(PersonaRun run, PersonaRun clean, StudyJobOptions options) =>
        new(
            run.Edit,
            run.Strength,
            run.Direction,
            StudyMeans.Change(run.Read, clean.Read, options),
            StudyMeans.Change(run.Preference, clean.Preference, options),
            StudyMeans.Of(run.Kl, options),
            StudyMeans.Of(run.Surprise, options),
            StudyMeans.Of(run.Repetition, options),
            StudyMeans.Of(run.OnQuestion, options),
            StudyMeans.Of(run.Disturbance, options),
            StudyMeans.Change(run.CrossEntropy, clean.CrossEntropy, options)
        );
}

/// <summary>Every number that was measured of an edit, for each prompt.</summary>
/// <param name="Edit">none, cap or add.</param>
/// <param name="Strength">How much.</param>
/// <param name="Direction">Along what.</param>
/// <param name="Read">Projections of replies, as the unedited model reads them.</param>
/// <param name="Preference">log p of the favoured reply minus that of the other, nats a token.</param>
/// <param name="Kl">KL from the unedited model on the reply.</param>
/// <param name="Surprise">−log p of the reply under the unedited model.</param>
/// <param name="Repetition">Share of token pairs that stood there before.</param>
/// <param name="OnQuestion">1 where the reply is likelier behind its own prompt than behind another.</param>
/// <param name="Disturbance">KL on replies that should stay.</param>
/// <param name="CrossEntropy">Of each window of plain text.</param>
public sealed record PersonaRun(
    string Edit,
    double Strength,
    string Direction,
    IReadOnlyList<double> Read,
    IReadOnlyList<double> Preference,
    IReadOnlyList<double> Kl,
    IReadOnlyList<double> Surprise,
    IReadOnlyList<double> Repetition,
    IReadOnlyList<double> OnQuestion,
    IReadOnlyList<double> Disturbance,
    IReadOnlyList<double> CrossEntropy
);

/// <summary>Projections along a conversation.</summary>
/// <param name="Id">Its name in its file.</param>
/// <param name="Directions">What is projected on: the axis, and traits.</param>
/// <param name="Messages">Its messages.</param>
/// <param name="Tokens">Its tokens but BOS, with a projection for each direction.</param>
public sealed record PersonaConversation(
    string Id,
    IReadOnlyList<string> Directions,
    IReadOnlyList<PersonaMessage> Messages,
    IReadOnlyList<PersonaToken> Tokens
);

/// <summary>A message of a conversation.</summary>
/// <param name="Role">Whose it is.</param>
/// <param name="Means">Its mean projection on each direction.</param>
/// <param name="Text">Its text, where that was asked for.</param>
public sealed record PersonaMessage(string Role, IReadOnlyList<double> Means, string? Text);

/// <summary>A token of a conversation.</summary>
/// <param name="Position">Its position.</param>
/// <param name="Message">Its message; null where it is the template's.</param>
/// <param name="Values">Its projection on each direction.</param>
public sealed record PersonaToken(int Position, int? Message, IReadOnlyList<float> Values);

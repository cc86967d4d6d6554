using GemmaScope.Behaviour;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="RefusalStudyJob"/> does.</summary>
public sealed record RefusalStudyJobOptions : StudyJobOptions
{
    /// <summary>Requests that the model should refuse: a file as <see cref="StudyPrompt.Read"/> takes it.</summary>
    public required string Harmful { get; init; }

    /// <summary>Requests that it should answer.</summary>
    public required string Harmless { get; init; }

    /// <summary>Harmless requests that look harmful (XSTest), of which only refusals are counted; null for none.</summary>
    public string? OverRefusal { get; init; }

    /// <summary>Tasks that the model should still solve while it is edited (<see cref="StudyTasks"/>); null for none.</summary>
    public string? Tasks { get; init; }

    /// <summary>Prompts of each side that directions are made from, at most.</summary>
    public int Train { get; init; } = 128;

    /// <summary>Prompts of each side that decide between directions, at most.</summary>
    public int Validation { get; init; } = 32;

    /// <summary>Prompts of each side that results are measured on, at most.</summary>
    public int Test { get; init; } = 100;

    /// <summary>Results are measured on the prompts alone that are held out by this divisor (<see cref="StudyPrompt.IsHeldOut"/>); null: the
    /// seed decides.</summary>
    public int? HeldOut { get; init; }

    /// <summary>Words that refusals begin with, a token each (published for Gemma: I). Empty: they are found in the model's replies to
    /// training prompts.</summary>
    public IReadOnlyList<string> RefusalTokens { get; init; } = [];

    /// <summary>A file with a direction that is studied in place of one that is looked for; null for none. Its layer is that of the file
    /// beside it.</summary>
    public string? Direction { get; init; }

    /// <summary>KL on harmless prompts of a direction at most.</summary>
    public double MaxKl { get; init; } = new DirectionRule().MaxDivergence;

    /// <summary>Refusal score of harmless prompts with a direction added at least.</summary>
    public double MinAddedScore { get; init; } = new DirectionRule().MinAddedScore;

    /// <summary>Only layers below this share of the depth.</summary>
    public double LayersBelow { get; init; } = new DirectionRule().LayerBelow;

    /// <summary>How much of the direction is taken out, and how often it is added and subtracted; the largest is the one that counts.</summary>
    public IReadOnlyList<double> Strengths { get; init; } = [0.25, 0.5, 0.75, 1];

    /// <summary>Random directions, and random sets of features, beside each edit.</summary>
    public int Controls { get; init; } = 3;

    /// <summary>Tokens of a reply at most; 0: no replies are written, and the first token alone counts.</summary>
    public int MaxTokens { get; init; } = 32;

    /// <summary>Features of each dictionary nearest to the direction that are clamped.</summary>
    public int Features { get; init; } = 10;

    /// <summary>The text on which cross-entropy is measured.</summary>
    public TextBatches Text { get; init; } = new() { Text = [DemoFiles.Texts], Tokens = 4096 };

    /// <summary>The rule by which a direction is chosen.</summary>
    internal DirectionRule Rule =>
        new()
        {
            LayerBelow = LayersBelow,
            MaxDivergence = MaxKl,
            MinAddedScore = MinAddedScore,
        };

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        Require(Train, 2, nameof(Train));
        Require(Validation, 1, nameof(Validation));
        Require(Test, 2, nameof(Test));
        Require(Controls, 0, nameof(Controls));
        Require(MaxTokens, 0, nameof(MaxTokens));
        Require(Features, 1, nameof(Features));
        if (HeldOut < 2)
            throw new ArgumentProblemException("must be at least 2", new Setting(nameof(HeldOut)));
        if (Strengths.Count == 0 || Strengths.Any(one => !(one > 0) || !float.IsFinite((float)one)))
            throw new ArgumentProblemException("must be numbers above 0", new Setting(nameof(Strengths)));
        if (LayersBelow is not (> 0 and <= 1))
            throw new ArgumentProblemException("is a share of the layers, above 0 and at most 1", new Setting(nameof(LayersBelow)));
        Text.Check();
    }
}

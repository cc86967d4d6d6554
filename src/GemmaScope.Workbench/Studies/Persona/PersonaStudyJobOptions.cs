using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="PersonaStudyJob"/> does.</summary>
public sealed record PersonaStudyJobOptions : StudyJobOptions
{
    /// <summary>Roles: JSON lines with <c>name</c>, <c>instruction</c> and, where the model is itself, <c>default</c>; null for our own few.</summary>
    public string? Roles { get; init; }

    /// <summary>Questions that anybody may ask: a file as <see cref="StudyPrompt.Read"/> takes it; null for our own few.</summary>
    public string? Questions { get; init; }

    /// <summary>Traits as instructions in pairs or as openings; null for our own few.</summary>
    public string? Traits { get; init; }

    /// <summary>Which of them; empty for the first ones.</summary>
    public IReadOnlyList<string> Trait { get; init; } = [];

    /// <summary>Conversations along which is projected; null for one of our own.</summary>
    public string? Conversation { get; init; }

    /// <summary>Questions, or openings of each side, that directions are made from, at most.</summary>
    public int Train { get; init; } = 16;

    /// <summary>Those that choose a layer, at most.</summary>
    public int Validation { get; init; } = 8;

    /// <summary>Those that results are measured on, at most.</summary>
    public int Test { get; init; } = 12;

    /// <summary>Roles at most, half of which make the axis.</summary>
    public int MaxRoles { get; init; } = 20;

    /// <summary>Traits at most; 0 for none.</summary>
    public int MaxTraits { get; init; } = 3;

    /// <summary>The share of the default's tokens that lie below the floor of the cap.</summary>
    public double CapQuantile { get; init; } = 0.25;

    /// <summary>The cap acts on layers from this share of the depth on.</summary>
    public double CapFrom { get; init; } = 0.5;

    /// <summary>How often a trait's vector is added.</summary>
    public IReadOnlyList<double> Strengths { get; init; } = [0.5, 1, 2];

    /// <summary>Random directions beside each.</summary>
    public int Controls { get; init; } = 2;

    /// <summary>Tokens of a reply at most.</summary>
    public int MaxTokens { get; init; } = 32;

    /// <summary>The text on which cross-entropy is measured.</summary>
    public TextBatches Text { get; init; } = new() { Text = [DemoFiles.Texts], Tokens = 4096 };

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        Require(Train, 2, nameof(Train));
        Require(Validation, 2, nameof(Validation));
        Require(Test, 2, nameof(Test));
        Require(MaxRoles, 2, nameof(MaxRoles));
        Require(MaxTraits, 0, nameof(MaxTraits));
        Require(Controls, 0, nameof(Controls));
        Require(MaxTokens, 1, nameof(MaxTokens));
        if (CapQuantile is not (> 0 and < 1))
            throw new ArgumentProblemException("is a share of tokens, between 0 and 1", new Setting(nameof(CapQuantile)));
        if (CapFrom is not (>= 0 and < 1))
            throw new ArgumentProblemException("is a share of the depth, from 0 and below 1", new Setting(nameof(CapFrom)));
        if (Strengths.Count == 0 || Strengths.Any(one => !(one > 0) || !float.IsFinite((float)one)))
            throw new ArgumentProblemException("must be numbers above 0", new Setting(nameof(Strengths)));
        Text.Check();
    }
}

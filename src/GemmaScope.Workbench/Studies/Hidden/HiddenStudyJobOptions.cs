using GemmaScope.Features;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="HiddenStudyJob"/> does.</summary>
public sealed record HiddenStudyJobOptions : StudyJobOptions
{
    /// <summary>Words that may be the secret, one a line; null for our own few.</summary>
    public string? Words { get; init; }

    /// <summary>Conversations: JSON lines with <c>told</c> (with {word}), <c>control</c> and <c>question</c>; null for our own few.</summary>
    public string? Templates { get; init; }

    /// <summary>A lens that was fitted, read beside the logit lens; null for none.</summary>
    public string? Lens { get; init; }

    /// <summary>Words of a readout that count as found where the secret is among them.</summary>
    public int Top { get; init; } = 3;

    /// <summary>Tokens of a reply at most.</summary>
    public int MaxTokens { get; init; } = 16;

    /// <summary>Features of a dictionary that are read.</summary>
    public int Features { get; init; } = 20;

    /// <summary>Labels of features whose words count too; null for none.</summary>
    public FeatureLabels? Labels { get; init; }

    /// <summary>The layer behind which a secret is planted; null for the middle one.</summary>
    public int? PlantLayer { get; init; }

    /// <summary>How strong it is, as a share of the residual stream's length there.</summary>
    public double PlantStrength { get; init; } = 0.5;

    /// <summary>The text on which it is counted how often features fire.</summary>
    public TextBatches Text { get; init; } = new() { Text = [DemoFiles.Texts], Tokens = 16384 };

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        Require(Top, 1, nameof(Top));
        Require(MaxTokens, 1, nameof(MaxTokens));
        Require(Features, 1, nameof(Features));
        if (PlantLayer is { } layer)
            Require(layer, 0, nameof(PlantLayer));
        if (!(PlantStrength > 0 && double.IsFinite(PlantStrength)))
            throw new ArgumentProblemException("must be above 0", new Setting(nameof(PlantStrength)));
        Text.Check();
    }
}

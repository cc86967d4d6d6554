using System.Text.Json.Serialization;
using GemmaScope.Features;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ExplainVerdictJob"/> takes apart.</summary>
public sealed record ExplainVerdictJobOptions
{
    /// <summary>What a user wrote.</summary>
    public required string Prompt { get; init; }

    /// <summary>What a model answered, to judge that; null to judge the prompt.</summary>
    public string? Response { get; init; }

    /// <summary>The policies asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; init; } = ShieldPolicy.Official;

    /// <summary>Whether each policy is explained; else the likeliest to be violated.</summary>
    public bool EachPolicy { get; init; }

    /// <summary>How they are asked.</summary>
    public ShieldOptions Asked { get; init; } = new();

    /// <summary>Features listed, from 1.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Features removed, one by one and together, to measure what they do.</summary>
    public int Remove { get; init; } = 5;

    /// <summary>Labels of the dictionary's features; null for none.</summary>
    public FeatureLabels? Labels { get; init; }
}

/// <summary>Why verdicts came out as they did.</summary>
/// <param name="Model">The model that judged.</param>
/// <param name="Template">The form of the prompt.</param>
/// <param name="Hardened">Whether turn markers in texts were plain text.</param>
/// <param name="Verdicts">An explanation for each policy.</param>
public sealed record ExplainVerdictResult(string Model, string Template, bool Hardened, IReadOnlyList<VerdictReasons> Verdicts)
{
    /// <summary>Whether a chat model was asked in the place of ShieldGemma, by its own template: no published number is about it. Absent where
    /// not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NotShieldGemma { get; init; }
}

/// <summary>Takes a verdict apart into the features of a dictionary.</summary>
public static class ExplainVerdictJob
{
    /// <summary>Judges a text and explains it with the microscope's first dictionary.</summary>
    /// <param name="microscope">Model and dictionary.</param>
    /// <param name="options">The text, and how much to tell.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A number cannot be, the text cannot be judged, or the dictionary writes
    /// elsewhere.</exception>
    public static Task<ExplainVerdictResult> RunAsync(
        Microscope microscope,
        ExplainVerdictJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        LabelNotes.Tell(options.Labels, microscope.Dictionary, progress);
        return Task.Run(
            () =>
            {
                using var shield = new ShieldGemma(microscope.Model);
                var question = shield.Prepare(options.Prompt, options.Response, options.Policies, options.Asked);
                progress.Stage("explaining");
                return new ExplainVerdictResult(
                    microscope.ModelName,
                    question.Template.Name,
                    question.Options.Hardened,
                    [
                        .. Chosen(shield, question, options, cancellationToken)
                            .Select(policy =>
                                VerdictExplainer.Explain(shield, microscope.Dictionary, question, policy, options.Remove, cancellationToken)
                            )
                            .Select(found => new VerdictReasons(found, options.Top, feature => options.Labels?[feature])),
                    ]
                )
                {
                    NotShieldGemma = question.Template.IsOfChat,
                };
            },
            cancellationToken
        );
    }

    /// <summary>Finds what cannot be before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number cannot be.</exception>
    public static void Check(ExplainVerdictJobOptions options)
    {
        if (options.Top < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(options.Top)));
        if (options.Remove < 0)
            throw new ArgumentProblemException("cannot be negative", new Setting(nameof(options.Remove)));
    }

    private static IEnumerable<int> Chosen(
        ShieldGemma shield,
        ShieldQuestion question,
        ExplainVerdictJobOptions options,
        CancellationToken cancellationToken
    )
    {
        if (options.EachPolicy)
            return Enumerable.Range(0, question.Policies.Count);
        return [shield.Score([question], cancellationToken)[0].LikeliestPolicy];
    }
}

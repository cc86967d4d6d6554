using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>A text that is judged.</summary>
/// <param name="Prompt">What a user wrote.</param>
/// <param name="Response">What a model answered, to judge that; null to judge the prompt.</param>
/// <param name="Id">A name that is repeated in the result, or null.</param>
public sealed record ShieldText(string Prompt, string? Response = null, string? Id = null);

/// <summary>What <see cref="ShieldJob"/> judges.</summary>
public sealed record ShieldJobOptions
{
    /// <summary>The texts; several take less time together than one by one.</summary>
    public required IReadOnlyList<ShieldText> Texts { get; init; }

    /// <summary>The policies asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; init; } = ShieldPolicy.Official;

    /// <summary>How they are asked.</summary>
    public ShieldOptions Asked { get; init; } = new();
}

/// <summary>Asks ShieldGemma whether texts violate safety policies.</summary>
public static class ShieldJob
{
    /// <summary>What to say of the model that comes with the packages; null of another.</summary>
    public static string? NoteOn(string model) =>
        model == MicroscopeOptions.DemoChat
            ? $"{model} is a tiny demo and no guardrail; protect with google/shieldgemma-2b, -9b or -27b"
            : null;

    /// <summary>What a judge is called beside what it judged: of a chat model in the place of ShieldGemma that it is one.</summary>
    internal static string NameOf(ShieldGemma judge, string model) =>
        judge.TemplateOf(new()).IsOfChat ? $"{model} (a chat model, not ShieldGemma)" : model;

    /// <summary>Judges texts together.</summary>
    /// <param name="microscope">The model; its dictionaries are not used.</param>
    /// <param name="options">The texts, and how they are asked about.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and tokens.</param>
    /// <exception cref="ContextLengthException">A text does not fit into the model's context.</exception>
    /// <exception cref="ArgumentProblemException">The model's vocabulary has no bare words Yes and No, or a text cannot be
    /// judged.</exception>
    public static Task<ShieldResult> RunAsync(
        Microscope microscope,
        ShieldJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Task.Run(
            () =>
            {
                using var shield = new ShieldGemma(microscope.Model);
                progress.Stage("judging");
                ShieldQuestion[] questions =
                [
                    .. options.Texts.Select(text => shield.Prepare(text.Prompt, text.Response, options.Policies, options.Asked)),
                ];
                string[] notes = NoteOn(microscope.ModelName) is { } note ? [note] : [];
                TextVerdict Told(ShieldVerdict verdict, string? id) =>
                    TextVerdict.Of(verdict, id) with
                    {
                        Warnings = [.. notes, .. verdict.Warnings],
                    };
                var template = shield.TemplateOf(options.Asked);
                return new ShieldResult(
                    microscope.ModelName,
                    template.Name,
                    options.Asked.HardenedIn(template),
                    [.. shield.Score(questions, cancellationToken).Select((verdict, i) => Told(verdict, options.Texts[i].Id))]
                )
                {
                    NotShieldGemma = template.IsOfChat,
                };
            },
            cancellationToken
        );
}

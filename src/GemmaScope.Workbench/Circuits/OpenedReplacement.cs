using GemmaScope.Circuits;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>The replacement model of a prompt with its transcoders; what the jobs on circuits begin with.</summary>
internal sealed class OpenedReplacement : IDisposable
{
    private readonly TranscoderSet _set;

    private OpenedReplacement(TranscoderSet set, ReplacementModel model) => (_set, Model) = (set, model);

    public ReplacementModel Model { get; }

    public static async Task<OpenedReplacement> OpenAsync(
        Microscope microscope,
        CircuitJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken,
        int[]? tokens = null
    )
    {
        options.Check();
        tokens ??= Tokens(microscope, options, progress);
        var set = await TranscoderLocator.OpenAsync(options, microscope, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            progress.Stage("encoding");
            return await Task.Run(
                    () =>
                        new OpenedReplacement(
                            set,
                            ReplacementModel.Of(microscope.Model, set, tokens, options.ZeroPositions, options.WorkFolder, cancellationToken)
                        ),
                    CancellationToken.None
                )
                .ConfigureAwait(false);
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>The prompt in tokens.</summary>
    public static int[] Tokens(Microscope microscope, CircuitJobOptions options, IProgress<JobReport>? progress)
    {
        if (CircuitTargets.Policy(options) is { } policy)
            return OfVerdict(microscope, options, policy, progress);
        var tokens = options.AsMessage
            ? OfMessage(microscope, options.Text)
            : microscope.Model.Tokenizer.Encode(options.Text, options.AddBos);
        if (tokens.Length > microscope.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"has {tokens.Length} tokens, more than this model's context of {microscope.Model.Config.MaxPositions}; shorten it",
                "text"
            );
        if (!options.AsMessage)
            progress.NoteWrittenBos(tokens, microscope.Model.Tokenizer.BosId);
        return tokens;
    }

    /// <summary>What a user says, and the opening of the model's turn.</summary>
    private static int[] OfMessage(Microscope microscope, string text) =>
        ChatTuning.IsTuned(microscope.Model)
            ? microscope.Model.ChatTemplate.Encode(microscope.Model.Tokenizer, [new("user", text)], addGenerationPrompt: true)
            : throw new ArgumentProblemException(
                "was not tuned to chat and has no chat template. Take the model's -it form, or trace the text as it is",
                microscope.ModelName
            );

    /// <summary>The prompt that asks about a policy, as the model card has it.</summary>
    private static int[] OfVerdict(Microscope microscope, CircuitJobOptions options, ShieldPolicy policy, IProgress<JobReport>? progress)
    {
        if (options.AsMessage)
            throw new ArgumentProblemException(
                "a verdict has a prompt of its own, which is not put into the chat template again",
                new Setting(nameof(options.AsMessage))
            );
        if (!options.AddBos)
            throw new ArgumentProblemException("the prompt of a verdict begins with a BOS", new Setting(nameof(options.Targets)));
        using var shield = new ShieldGemma(microscope.Model);
        var prompt = shield.Prepare(options.Text, policies: [policy]).Prompts[0];
        progress.Note($"the text is judged as a prompt, by {policy.Key}: the graph is of the {prompt.Length} tokens that ask about it");
        return prompt;
    }

    public void Dispose()
    {
        Model.Dispose();
        _set.Dispose();
    }
}

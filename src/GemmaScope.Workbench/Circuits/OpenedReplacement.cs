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
        var tokens = microscope.Model.Tokenizer.Encode(options.Text, options.AddBos);
        if (tokens.Length > microscope.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"has {tokens.Length} tokens, more than this model's context of {microscope.Model.Config.MaxPositions}; shorten it",
                "text"
            );
        progress.NoteWrittenBos(tokens, microscope.Model.Tokenizer.BosId);
        return tokens;
    }

    /// <summary>The prompt that asks about a policy, as the model card has it.</summary>
    private static int[] OfVerdict(Microscope microscope, CircuitJobOptions options, ShieldPolicy policy, IProgress<JobReport>? progress)
    {
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

using GemmaScope.Circuits;

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
        var tokens = microscope.Model.Tokenizer.Encode(options.Text, options.AddBos);
        if (tokens.Length > microscope.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"has {tokens.Length} tokens, more than this model's context of {microscope.Model.Config.MaxPositions}; shorten it",
                "text"
            );
        progress.NoteWrittenBos(tokens, microscope.Model.Tokenizer.BosId);
        return tokens;
    }

    public void Dispose()
    {
        Model.Dispose();
        _set.Dispose();
    }
}

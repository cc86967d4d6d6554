using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="GenerateJob"/> does.</summary>
public sealed record GenerateJobOptions
{
    /// <summary>The text to continue.</summary>
    public required string Prompt { get; init; }

    /// <summary>Whether a BOS is put in front, as the models expect.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>Whether it goes on after the tokens that end a text.</summary>
    public bool IgnoreEnd { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public GenerationOptions Sampling { get; init; } = new();

    /// <summary>What is watched on the way; null for nothing.</summary>
    public WatchOptions? Watched { get; init; }
}

/// <summary>Continues a text.</summary>
public static class GenerateJob
{
    /// <summary>Writes the text.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">What is continued, and how.</param>
    /// <param name="progress">Given the text piece by piece, as <see cref="JobText"/>.</param>
    /// <param name="cancellationToken">Ends the text; what was written is the result.</param>
    /// <exception cref="ArgumentProblemException">An option is out of range, the prompt is too long, or what is watched does not fit the
    /// model.</exception>
    public static async Task<GenerateResult> RunAsync(
        Microscope microscope,
        GenerateJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var model = microscope.Model;
        var prompt = model.Tokenizer.Encode(options.Prompt, options.AddBos);
        progress.NoteWrittenBos(prompt, model.Tokenizer.BosId);
        var sampling = options.IgnoreEnd ? options.Sampling with { StopTokens = [] } : options.Sampling;
        using var watched = options.Watched is { } wanted
            ? await WatchSet.OpenAsync(microscope, wanted, progress, cancellationToken).ConfigureAwait(false)
            : null;
        watched?.Begin([new("prompt", prompt.Length > 0 && prompt[0] == model.Config.BosId ? 1 : 0, prompt.Length)], anew: true);
        sampling = sampling with { Observer = watched?.Monitor ?? sampling.Observer };
        var text = new Continuation(model, prompt, sampling, cancellationToken: cancellationToken);
        var startsThinking = ThinkingSplitter.IsOpenAfter(options.Prompt);
        var splitter = ChatTuning.Splitter(model, startsThinking);
        return await Task.Run(
                () =>
                {
                    using (text)
                        while (text.Next() is { } piece)
                            Tell(splitter?.Append(piece) ?? new("", piece));
                    if (splitter is not null)
                        Tell(splitter.Flush());
                    watched?.End("written", prompt.Length, prompt.Length + text.Ids.Count);
                    ThoughtAndAnswer? parts = splitter is null ? null : ThinkingSplitter.Split(text.Text, startsThinking);
                    return new GenerateResult(
                        microscope.ModelName,
                        options.Prompt,
                        prompt,
                        text,
                        sampling.Arithmetic ?? model.Arithmetic,
                        watched?.Result
                    )
                    {
                        Warnings = [.. DictionaryNotes.Of(microscope.Checks), .. watched?.Warnings ?? []],
                        Thinking = parts?.Thinking,
                        Answer = parts?.Answer,
                    };
                },
                CancellationToken.None
            )
            .ConfigureAwait(false);

        void Tell(ThoughtAndAnswer piece)
        {
            if (piece.Thinking.Length > 0)
                progress?.Report(new JobText(piece.Thinking) { IsThinking = true });
            if (piece.Answer.Length > 0)
                progress?.Report(new JobText(piece.Answer));
        }
    }
}

using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Continues a text with and without features of a dictionary, or a contrast vector, and measures what that does.</summary>
public static class SteerJob
{
    /// <summary>Writes the texts.</summary>
    /// <param name="microscope">The model and, unless a contrast vector steers, the dictionary.</param>
    /// <param name="options">What is continued, and how it is steered.</param>
    /// <param name="progress">Given the texts piece by piece, as <see cref="JobText"/>: series 0 is the normal text.</param>
    /// <param name="cancellationToken">Ends the texts; what was written is the result.</param>
    /// <exception cref="ArgumentProblemException">Options do not go together or do not fit the model.</exception>
    public static Task<SteerResult> RunAsync(
        Microscope microscope,
        SteerJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), CancellationToken.None);
    }

    private static SteerResult Run(
        Microscope microscope,
        SteerJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var model = microscope.Model;
        var chat = options.Chat ? model.ChatTemplate : null;
        var vector = options.Contrast is { } contrast ? VectorOf(contrast, model, chat, options, progress, cancellationToken) : null;
        if (chat is not null)
            foreach (var note in ChatTuning.Notes(model))
                progress.Note(note);
        var sampling = chat is null ? options.Sampling : options.Sampling with { StopTokens = ChatTuning.StopTokens(model) };
        var prompt =
            chat?.Encode(model.Tokenizer, [new ChatMessage("user", options.Text)], addGenerationPrompt: true)
            ?? model.Tokenizer.Encode(options.Text, options.AddBos);
        progress.NoteWrittenBos(prompt, model.Tokenizer.BosId);
        var span = Steering.Span(options.At, prompt, model.Config.BosId, options.Bos);

        // All edits are made before the first token is written: what cannot be is said first.
        List<Writing> texts = [new(model, prompt, sampling, [], cancellationToken)];
        try
        {
            foreach (var strengths in options.Runs)
            {
                var edits = vector is null
                    ? Steering.Edits(options.Mode, Features(microscope, options, strengths), model.Config, span)
                    : [Edit.Add(options.Site!.Value, vector, (float)strengths[0], span)];
                texts.Add(new(model, prompt, sampling with { Edits = edits }, strengths, cancellationToken));
            }
            Write(texts, options, progress, cancellationToken);
            return new SteerResult
            {
                Model = microscope.ModelName,
                Dictionary = vector is null ? microscope.Dictionary.Name : null,
                Site = $"{(vector is null ? microscope.Dictionary.OutputSite : options.Site)}",
                Mode = Steering.NameOf(options.Mode),
                Positions = Steering.NameOf(options.At),
                Bos = options.Bos,
                Contrast = vector is null
                    ? null
                    : new(options.Contrast!.File, options.Contrast.Pairs.Count, TensorPrimitives.Norm<float>(vector)),
                Features = [.. options.SteeredFeatures.Select(one => one.Feature)],
                Prompt = options.Text,
                Chat = options.Chat,
                PromptIds = prompt,
                Temperature = sampling.Temperature,
                FrequencyPenalty = sampling.FrequencyPenalty,
                Seed = sampling.Seed ?? 0,
                Normal = texts[0].Result,
                Steered = [.. texts.Skip(1).Where(one => one.IsBegun).Select(one => one.Result)],
            };
        }
        finally
        {
            foreach (var one in texts)
                one.Dispose();
        }
    }

    private static float[] VectorOf(
        ContrastSet contrast,
        GemmaModel model,
        ChatTemplate? chat,
        SteerJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    ) =>
        ContrastVector.Of(
            model,
            [.. contrast.Pairs.Select(pair => pair.Encode(model.Tokenizer, chat))],
            options.Site ?? throw new ArgumentProblemException("is needed for a contrast vector", new Setting(nameof(options.Site))),
            progress.Counting("reading pairs", "pairs", contrast.Pairs.Count),
            cancellationToken
        );

    private static SteeredFeature[] Features(Microscope microscope, SteerJobOptions options, double[] strengths) =>
        [
            .. options.SteeredFeatures.Select(
                (one, i) => new SteeredFeature(microscope.Dictionary, one.Feature, strengths.Length > 0 ? strengths[i] : 0)
            ),
        ];

    private static void Write(
        List<Writing> texts,
        SteerJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        for (var more = options is { InTurn: true, Sweep: null }; more; )
        {
            more = false;
            foreach (var (series, one) in texts.Index())
                more |= one.Step(series, progress);
        }
        var counting = progress.Counting("writing texts", "texts", texts.Count);
        foreach (var (series, one) in texts.Index())
        {
            if (cancellationToken.IsCancellationRequested && !one.IsBegun)
                break;
            while (one.Step(series, progress)) { }
            if (options.Sweep is not null)
                one.Measure(cancellationToken);
            counting?.Report(series + 1);
        }
        // Of a single text nobody waits for the numbers before it is there.
        if (options.Sweep is null)
            foreach (var one in texts)
                one.Measure(cancellationToken);
    }

    /// <summary>One text with what becomes of it.</summary>
    private sealed class Writing(
        GemmaModel model,
        int[] prompt,
        GenerationOptions sampling,
        double[] strengths,
        CancellationToken cancellationToken
    ) : IDisposable
    {
        private readonly Continuation _text = new(model, prompt, sampling, skipSpecial: true, cancellationToken);
        private SteeringEffect? _effect;

        public bool IsBegun { get; private set; }

        public SteeredText Result =>
            new(
                strengths,
                _text.Text,
                _text.Ids,
                _text.StoppedBy ?? StopReason.Interrupted,
                _effect?.Kl,
                _effect?.Surprise,
                _effect?.Repetition
            );

        /// <summary>Writes the next token; false at the end.</summary>
        public bool Step(int series, IProgress<JobReport>? progress)
        {
            IsBegun = true;
            if (_text.Next() is not { } piece)
                return false;
            if (piece.Length > 0)
                progress?.Report(new JobText(piece, series));
            return true;
        }

        /// <summary>Measures what was written, unless that was or is interrupted.</summary>
        public void Measure(CancellationToken cancellationToken)
        {
            if (!IsBegun || _text.StoppedBy is null or StopReason.Interrupted)
                return;
            try
            {
                _effect = SteeringEffect.Measure(model, prompt, _text.Ids, sampling.Edits, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // The text is there and is shown without numbers.
            }
        }

        public void Dispose() => _text.Dispose();
    }
}

using GemmaScope.Circuits;
using GemmaScope.Evaluation;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitScoreJob"/> does.</summary>
public sealed record CircuitScoreJobOptions
{
    /// <summary>Text files, JSON lines with a <c>text</c> each, or folders of them; the beginning of each document is a prompt.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>The sets side by side, each as <see cref="CircuitJobOptions.Transcoders"/> names one; none for the demo model's
    /// own.</summary>
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>Where transcoders read, of files that do not say it; null to take their word.</summary>
    public string? Site { get; init; }

    /// <summary>Prompts at most, from 1.</summary>
    public int Prompts { get; init; } = 20;

    /// <summary>Tokens of a prompt, BOS included, from 3; shorter documents are left out.</summary>
    public int Length { get; init; } = 16;

    /// <summary>Features of a graph at most, from 1.</summary>
    public int Budget { get; init; } = 2000;

    /// <summary>Finds out what is wrong before a model is loaded; reads no text.</summary>
    /// <exception cref="GemmaScopeException">A number is out of range, or a file does not exist.</exception>
    public void Check()
    {
        foreach (
            var (value, least, name) in ((int, int, string)[])
                [(Prompts, 1, nameof(Prompts)), (Length, 3, nameof(Length)), (Budget, 1, nameof(Budget))]
        )
            if (value < least)
                throw new ArgumentProblemException($"is {value}; it must be {least} or more", new Setting(name));
        if (Sets.Distinct().Count() < Sets.Count)
            throw new ArgumentProblemException("names one set twice", new Setting(nameof(Sets)));
        Reading.Check();
        TextDocuments.Check(Text);
        _ = Circuit(null).SiteOf();
    }

    internal CircuitJobOptions Circuit(string? set) =>
        new()
        {
            Text = "",
            Transcoders = set is null ? [] : [set],
            Site = Site,
            Budget = Budget,
        };
}

/// <summary>One set of transcoders over all prompts.</summary>
/// <param name="Name">The set as it was named.</param>
/// <param name="Transcoders">Its dictionaries.</param>
/// <param name="Width">Features of all layers together.</param>
/// <param name="MissingLayers">Layers without a transcoder.</param>
/// <param name="ActiveFeatures">Features that fire at a position, of all layers together: the mean over the positions that are no
/// constants.</param>
/// <param name="Replacement">The replacement score.</param>
/// <param name="Completeness">The completeness score.</param>
/// <param name="ReplacementGain">Replacement score minus that of the first set, prompt by prompt; null for the first.</param>
/// <param name="CompletenessGain">The same of the completeness score.</param>
/// <param name="IdentityError">Largest error of the identity, relative to the value.</param>
/// <param name="Complete">Prompts whose graph is complete.</param>
/// <param name="Scores">Each prompt.</param>
public sealed record CircuitSetScore(
    string Name,
    IReadOnlyList<string> Transcoders,
    long Width,
    IReadOnlyList<int> MissingLayers,
    double ActiveFeatures,
    MeanEstimate Replacement,
    MeanEstimate Completeness,
    MeanEstimate? ReplacementGain,
    MeanEstimate? CompletenessGain,
    double IdentityError,
    int Complete,
    IReadOnlyList<CircuitPromptScore> Scores
);

/// <summary>The graph of one prompt in numbers.</summary>
/// <param name="Prompt">Its text.</param>
/// <param name="Features">Features that fire.</param>
/// <param name="Replacement">Replacement score.</param>
/// <param name="Completeness">Completeness score.</param>
public sealed record CircuitPromptScore(string Prompt, int Features, double Replacement, double Completeness);

/// <summary>What <see cref="CircuitScoreJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Prompts">Number of prompts.</param>
/// <param name="Length">Tokens of each.</param>
/// <param name="Sets">Each set.</param>
public sealed record CircuitScoreResult(string Model, int Prompts, int Length, IReadOnlyList<CircuitSetScore> Sets);

/// <summary>Says how much of what a model computes sets of transcoders stand for, over many prompts: the scores of their graphs before
/// pruning (METHODS §4.5 step 10), side by side on the same prompts.</summary>
public static class CircuitScoreJob
{
    /// <summary>Computes the graph of every prompt with every set.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompts and the sets.</param>
    /// <param name="progress">Told how many graphs are done.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">A setting is out of range, the text holds no document of that length, or transcoders cannot be
    /// read or are of another model.</exception>
    public static async Task<CircuitScoreResult> RunAsync(
        Microscope microscope,
        CircuitScoreJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        var prompts = Prompts(microscope, options, progress);
        var (sets, done) = (new List<CircuitSetScore>(), 0);
        string?[] names = options.Sets.Count == 0 ? [null] : [.. options.Sets];
        foreach (var name in names)
        {
            using var set = await TranscoderLocator
                .OpenAsync(options.Circuit(name), microscope, progress, cancellationToken)
                .ConfigureAwait(false);
            var counting = progress.Counting("tracing", "graphs", names.Length * prompts.Length, done);
            var score = await Task.Run(
                    () =>
                        Score(microscope, options, set, prompts, sets.FirstOrDefault(), name, new Step(counting, done), cancellationToken),
                    CancellationToken.None
                )
                .ConfigureAwait(false);
            sets.Add(score);
            done += prompts.Length;
        }
        return new(microscope.ModelName, prompts.Length, options.Length, sets);
    }

    private static int[][] Prompts(Microscope microscope, CircuitScoreJobOptions options, IProgress<JobReport>? progress)
    {
        var (tokenizer, corpus) = (microscope.Model.Tokenizer, new TextCorpus(options.Text, options.Reading));
        if (options.Length > microscope.Model.Config.MaxPositions)
            throw new ArgumentProblemException(
                $"is {options.Length}, more than this model's context of {microscope.Model.Config.MaxPositions}",
                new Setting(nameof(options.Length))
            );
        // A token is seldom longer than a few characters, and the rest of a book need not be cut up.
        int[][] prompts =
        [
            .. corpus
                .Texts()
                .Select(text => tokenizer.Encode(text[..Math.Min(text.Length, 16 * options.Length)], addBos: true))
                .Where(ids => ids.Length >= options.Length)
                .Select(ids => ids[..options.Length])
                .Take(options.Prompts),
        ];
        progress.NoteOn(corpus.Skipped);
        if (prompts.Length == 0)
            throw new ArgumentProblemException($"holds no document of {options.Length} tokens", new Setting(nameof(options.Text)));
        if (prompts.Length < options.Prompts)
            progress.Note(
                $"the text has {prompts.Length} documents of {options.Length} tokens, fewer than the {options.Prompts} asked for"
            );
        return prompts;
    }

    private static CircuitSetScore Score(
        Microscope microscope,
        CircuitScoreJobOptions options,
        TranscoderSet set,
        int[][] prompts,
        CircuitSetScore? first,
        string? name,
        Step step,
        CancellationToken cancellationToken
    )
    {
        var (scores, error, complete, positions) = (new List<CircuitPromptScore>(), 0.0, 0, 0);
        foreach (var ids in prompts)
        {
            using var model = ReplacementModel.Of(microscope.Model, set, ids, cancellationToken: cancellationToken);
            using var graph = AttributionGraph.Compute(
                model,
                CircuitTarget.TopLogits(model),
                new() { MaxFeatures = options.Budget },
                cancellationToken: cancellationToken
            );
            scores.Add(
                new(microscope.Model.Tokenizer.Decode(ids.AsSpan(1)), model.Features.Count, graph.ReplacementScore, graph.CompletenessScore)
            );
            error = Math.Max(error, graph.RelativeIdentityError);
            complete += graph.IsComplete ? 1 : 0;
            positions += ids.Length - model.ZeroPositions;
            step.Next();
        }
        return new(
            name ?? "the model's own",
            [.. set.Dictionaries.Select(one => one.Name)],
            set.Dictionaries.Sum(one => (long)one.Width),
            set.MissingLayers,
            scores.Sum(one => (double)one.Features) / positions,
            MeanEstimate.Of([.. scores.Select(one => one.Replacement)])!,
            MeanEstimate.Of([.. scores.Select(one => one.Completeness)])!,
            Gain(one => one.Replacement),
            Gain(one => one.Completeness),
            error,
            complete,
            scores
        );

        MeanEstimate? Gain(Func<CircuitPromptScore, double> score) =>
            first is null ? null : MeanEstimate.Of([.. scores.Zip(first.Scores, (one, other) => score(one) - score(other))]);
    }

    private sealed class Step(IProgress<long>? counting, long done)
    {
        public void Next() => counting?.Report(++done);
    }
}

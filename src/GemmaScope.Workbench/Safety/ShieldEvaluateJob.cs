using GemmaScope.Safety;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ShieldEvaluateJob"/> measures.</summary>
public sealed record ShieldEvaluateJobOptions
{
    /// <summary>Files of JSON lines with labels, packed or not.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Names of the fields of a row.</summary>
    public LabelFields Fields { get; init; } = new();

    /// <summary>The policies asked about, each row about those it has a label of.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; init; } = ShieldPolicy.Official;

    /// <summary>How they are asked.</summary>
    public ShieldOptions Asked { get; init; } = new();

    /// <summary>Whether rows that cannot be read are left out and counted; else the first of them is an error.</summary>
    public bool SkipBadRows { get; init; }

    /// <summary>Only rows whose SHA-256 of the id is divisible by this number; null for all rows.</summary>
    public int? HeldOut { get; init; }

    /// <summary>Rows of each file at most; null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Draws of the bootstrap.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Seed of the bootstrap.</summary>
    public int Seed { get; init; }

    /// <summary>A file with lists of terms that are put in each other's place (<see cref="CounterfactualFairness.Load"/>); null for
    /// none.</summary>
    public string? Swap { get; init; }
}

/// <summary>Holds ShieldGemma's scores against labelled texts.</summary>
public static class ShieldEvaluateJob
{
    private const int RowsTogether = 32;

    /// <summary>Judges the rows of all files and measures how well the scores tell violations from the rest.</summary>
    /// <param name="microscope">The model; its dictionaries are not used.</param>
    /// <param name="options">The rows, and how they are asked about.</param>
    /// <param name="progress">Told how many texts are judged.</param>
    /// <param name="cancellationToken">Stops between layers and tokens.</param>
    /// <exception cref="ArgumentProblemException">A number cannot be, or no row has a label of the policies.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read.</exception>
    public static Task<ShieldEvaluateResult> RunAsync(
        Microscope microscope,
        ShieldEvaluateJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    /// <summary>Finds what cannot be before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number cannot be.</exception>
    public static void Check(ShieldEvaluateJobOptions options)
    {
        if (options.HeldOut < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(options.HeldOut)));
        if (options.Resamples < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(options.Resamples)));
    }

    private static ShieldEvaluateResult Run(
        Microscope microscope,
        ShieldEvaluateJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var fairness = options.Swap is { } terms ? CounterfactualFairness.Load(terms) : null;
        var skipped = options.SkipBadRows ? new SkippedRows() : null;
        LabelledQuestion[] rows = [.. options.Files.SelectMany(file => Rows(file, options, skipped))];
        progress.NoteOn(skipped);
        using var shield = new ShieldGemma(microscope.Model);
        var evaluation = new ShieldEvaluation();
        var (judged, leftOut, cut) = (0, 0, 0);
        var counted = progress.Counting("judging", "texts", rows.Length);
        foreach (var batch in rows.Chunk(RowsTogether))
        {
            var asked = batch
                .Select(row => (Row: row, Question: Prepare(shield, row, options)))
                .Where(pair => pair.Question is not null)
                .ToArray();
            leftOut += batch.Length - asked.Length;
            var verdicts = shield.Score([.. asked.Select(pair => pair.Question!)], cancellationToken);
            foreach (var ((row, _), verdict) in asked.Zip(verdicts))
            {
                evaluation.Add(row, verdict);
                cut += verdict.Question.CutTokens > 0 ? 1 : 0;
                if (fairness is not null)
                    Swap(shield, fairness, verdict, cancellationToken);
            }
            counted?.Report(judged += batch.Length);
        }
        if (evaluation.Rows == 0)
            throw new ArgumentProblemException("no row is left that has a label of these policies and can be judged", "file");
        return new(
            microscope.ModelName,
            options,
            shield.TemplateOf(options.Asked),
            evaluation.Measure(options.Resamples, options.Seed),
            fairness?.Gaps() ?? []
        )
        {
            Rows = evaluation.Rows,
            LeftOut = leftOut,
            SkippedRows = skipped?.Count ?? 0,
            Cut = cut,
        };
    }

    private static IEnumerable<LabelledQuestion> Rows(string file, ShieldEvaluateJobOptions options, SkippedRows? skipped)
    {
        var rows = LabelledQuestion.Read(file, options.Fields, skipped);
        if (options.HeldOut is { } divisor)
            rows = rows.Where(row => row.IsHeldOut(divisor));
        return options.Limit is { } limit ? rows.Take(limit) : rows;
    }

    /// <summary>A row's question about the policies it has labels of; null where it has none, or does not fit into the context.</summary>
    private static ShieldQuestion? Prepare(ShieldGemma shield, LabelledQuestion row, ShieldEvaluateJobOptions options)
    {
        var labelled = ShieldEvaluation.Labelled(row, options.Policies);
        if (labelled.Count == 0)
            return null;
        try
        {
            return shield.Prepare(row.User, row.Response, labelled, options.Asked);
        }
        catch (ContextLengthException)
        {
            return null;
        }
    }

    private static void Swap(ShieldGemma shield, CounterfactualFairness fairness, ShieldVerdict before, CancellationToken cancellationToken)
    {
        var question = before.Question;
        // A swapped text may be longer; then its start is judged.
        var asked = question.Options with
        {
            Truncation = ShieldTruncation.KeepStart,
        };
        var swaps = fairness.Swaps(question.Response ?? question.User).ToArray();
        var swapped = swaps
            .Select(swap =>
                question.Response is null
                    ? shield.Prepare(swap.Text, null, question.Policies, asked)
                    : shield.Prepare(question.User, swap.Text, question.Policies, asked)
            )
            .ToArray();
        foreach (var (swap, after) in swaps.Zip(shield.Score(swapped, cancellationToken)))
            fairness.Add(swap.From, swap.To, before, after);
    }
}

using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ProbeJob"/> does.</summary>
public sealed record ProbeJobOptions
{
    /// <summary>The labelled texts.</summary>
    public required IReadOnlyList<LabelledSet> Sets { get; init; }

    /// <summary>The numbers of latents that are probed, each from 1.</summary>
    public IReadOnlyList<int> Latents { get; init; } = new ProbeEvaluationOptions().Sizes;

    /// <summary>Decides which rows are tested.</summary>
    public int Seed { get; init; }

    /// <summary>Tokens of a text at most, BOS included, from 2; the beginning is kept.</summary>
    public int Context { get; init; } = 128;

    /// <summary>Training rows of a set at most, from 2.</summary>
    public int Train { get; init; } = 4000;

    /// <summary>Test rows of a set at most, from 2.</summary>
    public int Test { get; init; } = 1000;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is too small.</exception>
    public void Check()
    {
        foreach (var (value, name) in ((int, string)[])[(Train, nameof(Train)), (Test, nameof(Test))])
            if (value < 2)
                throw new ArgumentProblemException("must be at least 2, one of each class", new Setting(name));
        if (Context < 2)
            throw new ArgumentProblemException("must be at least 2: BOS and a token", new Setting(nameof(Context)));
        if (Latents.Any(count => count < 1))
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(Latents)));
    }
}

/// <summary>k-sparse probing with its baselines, on labelled texts.</summary>
public static class ProbeJob
{
    /// <summary>Tells each class of texts from the rest by a few features of the microscope's dictionaries, and in other ways.</summary>
    /// <param name="microscope">Model and dictionaries.</param>
    /// <param name="options">The texts, and how they are probed.</param>
    /// <param name="progress">Told how many texts, then how many tasks are done.</param>
    /// <param name="cancellationToken">Stops between layers, blocks of features and steps of a fit.</param>
    /// <exception cref="ArgumentProblemException">A number is too small, or a class has too few texts.</exception>
    public static Task<ProbeResult> RunAsync(
        Microscope microscope,
        ProbeJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static ProbeResult Run(
        Microscope microscope,
        ProbeJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var sets = options.Sets.Select(set => Part(set, options)).ToArray();
        var tokens = sets.SelectMany(set => set.Rows)
            .Select(row => TokenText.Of(microscope.Model.Tokenizer, row.Text, options.Context))
            .ToArray();
        var read = PooledTexts.Read(
            microscope.Model,
            microscope.Dictionaries,
            tokens,
            FeaturePooling.Mean,
            progress.Counting("", "texts", tokens.Length),
            cancellationToken
        );
        var done = progress.Counting("", "tasks", sets.Sum(set => set.Positives.Count));
        var tasks = Tasks(sets, read, options, done, cancellationToken).ToArray();
        return new ProbeResult(microscope, tasks, options.Seed, options.Sets.Sum(set => set.LeftOut));
    }

    /// <summary>The rows of a set that are used: training rows, test rows, rows of another source.</summary>
    private sealed record Used(LabelledSet Set, IReadOnlyList<LabelledText> Rows, int Train, int Test)
    {
        /// <summary>What is told from the rest: each class, or of two one.</summary>
        public IReadOnlyList<string> Positives { get; } =
            Set.Classes.Count > 2 ? Set.Classes : [Set.Classes.Contains("positive") ? "positive" : Set.Classes[1]];
    }

    private static Used Part(LabelledSet set, ProbeJobOptions options)
    {
        var split = LabelledSplit.Of([.. set.Rows.Select(row => row.Label)], options.Seed, options.Train, options.Test);
        foreach (var side in (IReadOnlyList<int>[])[split.Train, split.Test])
            if (side.Select(row => set.Rows[row].Label).Distinct().Count() < set.Classes.Count)
                throw new ArgumentProblemException(
                    "has a class of too few texts to be learned and tested "
                        + $"(at least 5 of each; {set.Rows.CountBy(row => row.Label).MinBy(pair => pair.Value)} in the smallest)",
                    set.Name
                );
        return new Used(
            set,
            [.. split.Train.Concat(split.Test).Select(row => set.Rows[row]), .. set.OtherSource],
            split.Train.Count,
            split.Test.Count
        );
    }

    private static IEnumerable<ProbeTask> Tasks(
        Used[] sets,
        PooledTexts read,
        ProbeJobOptions options,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        var measured = new ProbeEvaluationOptions { Sizes = options.Latents };
        var (start, done) = (0, 0);
        foreach (var set in sets)
        {
            int[] ends = [start, start + set.Train, start + set.Train + set.Test, start + set.Rows.Count];
            var parts = Enumerable
                .Range(0, 3)
                .Select(part => read.Rows([.. Enumerable.Range(ends[part], ends[part + 1] - ends[part])]))
                .ToArray();
            foreach (var positive in set.Positives)
            {
                var labels = Enumerable
                    .Range(0, 3)
                    .Select(part =>
                        set.Rows.Take((ends[part] - start)..(ends[part + 1] - start)).Select(row => row.Label == positive).ToArray()
                    )
                    .ToArray();
                yield return ProbeEvaluation.Run(
                    set.Positives.Count > 1 ? $"{set.Set.Name}: {positive}" : set.Set.Name,
                    parts[0],
                    labels[0],
                    parts[1],
                    labels[1],
                    parts[2],
                    labels[2],
                    measured,
                    cancellationToken
                );
                progress?.Report(++done);
            }
            start = ends[3];
        }
    }
}

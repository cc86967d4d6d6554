using System.Numerics.Tensors;
using GemmaScope.Activations;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="SyntheticModelJob"/> does.</summary>
public sealed record SyntheticModelJobOptions
{
    /// <summary>What the model is made of.</summary>
    public SyntheticConfig Config { get; init; } = new();

    /// <summary>The file that is written.</summary>
    public required string Target { get; init; }

    /// <summary>Rows that are drawn to say what the model is like.</summary>
    public int Rows { get; init; } = 10_000;
}

/// <summary>What a synthetic model is like.</summary>
public sealed record SyntheticModelResult
{
    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>What it is made of.</summary>
    public required SyntheticConfig Config { get; init; }

    /// <summary>Rows drawn for the rest.</summary>
    public required int Rows { get; init; }

    /// <summary>Mean number of features in a row.</summary>
    public required double TrueL0 { get; init; }

    /// <summary>Of these, how many are among the first quarter, the most frequent ones: what a dictionary of a quarter's width can find.</summary>
    public required double FirstQuarterL0 { get; init; }

    /// <summary>Features that fired in none of the rows.</summary>
    public required int Silent { get; init; }

    /// <summary>C: the root of the mean squared norm of a row.</summary>
    public required double Scale { get; init; }
}

/// <summary>Makes a model of activations with known features, and says what it is like.</summary>
public static class SyntheticModelJob
{
    // Rows drawn to describe a model are none of those that a seed of a run gives.
    private const long Seed = long.MinValue;

    private const int RowsOfBatch = 1000;

    /// <summary>Makes the model and writes it.</summary>
    /// <param name="options">What, and where to.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops; nothing is written.</param>
    /// <exception cref="GemmaScopeException">The config makes no model, or the file is there or cannot be written.</exception>
    public static Task<SyntheticModelResult> RunAsync(
        SyntheticModelJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Task.Run(
            () =>
            {
                options.Config.Check();
                if (File.Exists(options.Target))
                    throw new ArgumentProblemException(
                        $"{options.Target} is there already; name another file",
                        new Setting(nameof(options.Target))
                    );
                progress.Stage("pushing directions apart");
                using var model = new SyntheticModel(options.Config, cancellationToken);
                var described = Describe(model, options, progress, cancellationToken);
                SyntheticModelFile.Write(options.Target, model);
                return described;
            },
            cancellationToken
        );

    private static SyntheticModelResult Describe(
        SyntheticModel model,
        SyntheticModelJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var counting = progress.Counting("drawing rows", "rows", options.Rows);
        var rows = new SyntheticRows(model, Seed);
        var (firing, squares) = (new SparsitySums(model.Config.Features), 0.0);
        for (var done = 0; done < options.Rows; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var batch = Numerics.Tensor.Uninitialized(Math.Min(RowsOfBatch, options.Rows - done), model.Config.Width);
            var truth = rows.FillKnown(done, batch.AsMatrix());
            firing.Add(truth);
            for (var row = 0; row < truth.Rows; row++)
                squares += TensorPrimitives.SumOfSquares(batch.Row(row));
            counting?.Report(done += truth.Rows);
        }
        return new()
        {
            File = options.Target,
            Config = model.Config,
            Rows = options.Rows,
            TrueL0 = firing.L0,
            FirstQuarterL0 = firing.Counts.Take(model.Config.Features / 4).Sum() / (double)options.Rows,
            Silent = firing.Dead,
            Scale = Math.Sqrt(squares / options.Rows),
        };
    }
}

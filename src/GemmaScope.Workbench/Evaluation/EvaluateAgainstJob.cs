using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="EvaluateAgainstJob"/> does.</summary>
public sealed record EvaluateAgainstJobOptions
{
    /// <summary>The other form of the model: a folder, a GGUF file, a demo model, or org/name[@revision][/file.gguf] on the hub.</summary>
    public required string Against { get; init; }

    /// <summary>The text, and how much of it is read.</summary>
    public required TextBatches Corpus { get; init; }

    /// <summary>How many of a token's strongest features are compared, from 1.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Whether logits and losses are compared.</summary>
    public bool Losses { get; init; } = true;

    /// <summary>Chooses the random directions of the control.</summary>
    public int Seed { get; init; }

    /// <summary>How the other model is loaded; null for the defaults.</summary>
    public ModelLoadOptions? Load { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="GemmaScopeException">A number is too small, or a file does not exist.</exception>
    public void Check()
    {
        Corpus.Check();
        if (Top < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(Top)));
        Locator.CheckModelName(Against);
    }
}

/// <summary>Runs a model and another form of it (quantised, tuned) over the same tokens: what changes in logits, in the residual stream, and
/// which features stay what they were.</summary>
public static class EvaluateAgainstJob
{
    /// <summary>Compares the microscope's model with another, and what all its dictionaries find in both.</summary>
    /// <param name="microscope">The model that dictionaries were trained on, and dictionaries; there may be none.</param>
    /// <param name="options">The other model, the text, and what is compared.</param>
    /// <param name="progress">Told how many tokens are done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <exception cref="GemmaScopeException">An option cannot be, the text or the other model cannot be read, or it is no form of the
    /// same model.</exception>
    public static async Task<EvaluateAgainstResult> RunAsync(
        Microscope microscope,
        EvaluateAgainstJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        var path = await Locator.ModelAsync(options.Against, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Run(microscope, path, options, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static EvaluateAgainstResult Run(
        Microscope microscope,
        string path,
        EvaluateAgainstJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        progress.Stage($"loading {options.Against}");
        var model = microscope.Model;
        using var other = GemmaModel.Load(path, options.Load, cancellationToken: cancellationToken);
        HostFit.Require(model, microscope.ModelName, other, options.Against);
        var comparison = new HostComparison(
            model,
            other,
            microscope.Dictionaries,
            new()
            {
                Top = options.Top,
                Losses = options.Losses,
                Seed = options.Seed,
            }
        );
        var skipped = new SkippedRows();
        foreach (var batch in options.Corpus.Read(model.Tokenizer, 0, progress, () => model.ChatTemplate, skipped))
            comparison.Add(batch, cancellationToken);
        return new EvaluateAgainstResult(microscope, options.Against, other, comparison.Sums, skipped.Count);
    }
}

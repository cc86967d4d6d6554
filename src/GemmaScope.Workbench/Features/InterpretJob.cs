using GemmaScope.Features;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;
using GemmaScope.Text;
using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="InterpretJob"/> does.</summary>
public sealed record InterpretJobOptions
{
    /// <summary>Text that did not build the dashboards: text files, JSON lines with a <c>text</c> each, or folders of them.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How it is read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>Tokens of it that are read at most.</summary>
    public long Tokens { get; init; } = 100_000;

    /// <summary>Tokens of a passage.</summary>
    public int Window { get; init; } = 32;

    /// <summary>Passages in which the feature fires that score an explanation, and as many in which it does not; from 10.</summary>
    public int Examples { get; init; } = 50;

    /// <summary>Decides which passages are drawn.</summary>
    public int Seed { get; init; }

    /// <summary>The features; null for all that fire.</summary>
    public FeatureChoice? Features { get; init; }

    /// <summary>At most so many, those that fire most often, from 1; null for all.</summary>
    public int? Most { get; init; }

    /// <summary>Whether those that someone else has labelled are passed over.</summary>
    public bool Unlabelled { get; init; }

    /// <summary>The dictionary's name in the database, where that is another than the microscope's.</summary>
    public string? Dictionary { get; init; }

    /// <summary>The language model that explains; null for rules about tokens.</summary>
    public IChatClient? Explainer { get; init; }

    /// <summary>The language model that judges; null for the one that explains, or rules that judge themselves.</summary>
    public IChatClient? Judge { get; init; }

    /// <summary>The requests that the models may take, as it was given to them; null where nobody counts.</summary>
    public RequestBudget? Budget { get; init; }

    /// <summary>Examples shown to the model that explains, from 1.</summary>
    public int Shown { get; init; } = 40;

    /// <summary>Passages that are judged in one request, from 1.</summary>
    public int PerQuestion { get; init; } = 5;

    /// <summary>Requests at a time, from 1.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Tokens of an answer at most, from 1; models that think before they answer need many.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>Who judges; null where rules judge themselves.</summary>
    internal IChatClient? Judging => Judge ?? Explainer;
}

/// <summary>Explains features by rules about tokens, or by a language model, and scores the explanations on text that they were not made
/// from. A label is written as soon as it has its scores, so that a run that was broken off goes on with the others.</summary>
public static class InterpretJob
{
    /// <summary>Finds out what is wrong with the options before a model is loaded.</summary>
    /// <exception cref="GemmaScopeException">A number cannot be, or a text does not exist.</exception>
    public static void Check(InterpretJobOptions options)
    {
        foreach (
            var (value, least, name) in (ReadOnlySpan<(int?, int, string)>)
                [
                    (options.Examples, QuestionSet.Fewest, nameof(options.Examples)),
                    (options.Parallel, 1, nameof(options.Parallel)),
                    (options.MaxTokens, 1, nameof(options.MaxTokens)),
                    (options.Shown, 1, nameof(options.Shown)),
                    (options.PerQuestion, 1, nameof(options.PerQuestion)),
                    (options.Most, 1, nameof(options.Most)),
                ]
        )
            if (value < least)
                throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
        if (options.Tokens <= options.Window)
            throw new ArgumentProblemException(
                $"must be at least {options.Window + 1}: BOS and a passage of {options.Window} tokens",
                new Setting(nameof(options.Tokens))
            );
        options.Reading.Check();
        TextDocuments.Check(options.Text);
    }

    /// <summary>Explains features of the microscope's first dictionary.</summary>
    /// <param name="microscope">The model and the dictionary.</param>
    /// <param name="database">Where the dashboards are; gets the labels.</param>
    /// <param name="options">The held-out text, the features, and who explains.</param>
    /// <param name="progress">Told how far it is, and each new label as <see cref="FeatureInterpreted"/>.</param>
    /// <param name="cancellationToken">Stops it; the labels that were made stay.</param>
    /// <exception cref="GemmaScopeException">An option cannot be, there are no dashboards, the text is no other one, or a language model
    /// cannot be asked.</exception>
    public static Task<InterpretResult> RunAsync(
        Microscope microscope,
        IFeatureDatabase database,
        InterpretJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        var dictionary = microscope.Dictionary;
        var stored = database.Find(options.Dictionary ?? microscope.StoredName(dictionary));
        if (stored.Width > dictionary.Width)
            throw new ArgumentProblemException(
                $"has {stored.Width} features in the database and the dictionary {dictionary.Width}",
                stored.Name,
                remedy: new Remedy($"name its dictionary with {new Setting(nameof(MicroscopeOptions.Dictionaries))}")
            );
        options.Features?.Require(stored.Width);
        var interpreter = new FeatureInterpreter(microscope, database, stored, options, progress);
        return Task.Run(
            async () =>
            {
                using var reserved = database.Reserve([(stored.Model, stored.Name)]);
                return await interpreter.RunAsync(cancellationToken).ConfigureAwait(false);
            },
            cancellationToken
        );
    }
}

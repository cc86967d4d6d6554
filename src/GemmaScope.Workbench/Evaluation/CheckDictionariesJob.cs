using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CheckDictionariesJob"/> does.</summary>
public sealed record CheckDictionariesJobOptions
{
    /// <summary>Tokens of each of the six built-in texts at most, BOS included, from 2.</summary>
    public int TokensPerText { get; init; } = CheckText.TokensPerText;
}

/// <summary>What checks of dictionaries have found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionaries">A check of each dictionary.</param>
public sealed record CheckDictionariesResult(string Model, IReadOnlyList<DictionaryCheck> Dictionaries)
{
    /// <summary>What does not fit, a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; } = DictionaryNotes.Of(Dictionaries);
}

/// <summary>Finds out whether dictionaries read what they were trained on, on the whole of the built-in text.</summary>
public static class CheckDictionariesJob
{
    /// <summary>Checks all dictionaries of a microscope.</summary>
    /// <param name="microscope">Model and dictionaries.</param>
    /// <param name="options">How much is read; null for the defaults.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <exception cref="GemmaScopeException">There is no dictionary, or too few tokens are asked for.</exception>
    public static Task<CheckDictionariesResult> RunAsync(
        Microscope microscope,
        CheckDictionariesJobOptions? options = null,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new();
        if (options.TokensPerText < 2)
            throw new ArgumentProblemException("must be 2 or more: BOS and a token", new Setting(nameof(options.TokensPerText)));
        _ = microscope.Dictionary;
        return Task.Run(
            () =>
            {
                progress.Stage("checking dictionaries");
                var text = CheckText.Of(microscope.Model.Tokenizer, options.TokensPerText);
                return new CheckDictionariesResult(
                    microscope.ModelName,
                    DictionaryChecker.Check(microscope.Model, microscope.Dictionaries, text, cancellationToken)
                );
            },
            cancellationToken
        );
    }
}

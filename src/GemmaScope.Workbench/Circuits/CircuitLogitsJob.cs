using System.Numerics.Tensors;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitLogitsJob"/> does.</summary>
public sealed record CircuitLogitsJobOptions
{
    /// <summary>The prompt and the transcoders, and at most one target: a token or its lead over another; the likeliest where none is named.
    /// What it says of a graph is not used.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>The position whose next token it is; null for the last.</summary>
    public int? Position { get; init; }

    /// <summary>Parts reported, the strongest first; from 0.</summary>
    public int Top { get; init; } = 15;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public void Check()
    {
        Circuit.Check();
        if (Circuit.Targets.Count > 1)
            throw new ArgumentProblemException(
                $"names {Circuit.Targets.Count} targets; one logit is split at a time",
                new Setting(nameof(CircuitJobOptions.Targets))
            );
        if (Position < 0)
            throw new ArgumentProblemException($"is {Position}; positions are counted from 0", new Setting(nameof(Position)));
        if (Top < 0)
            throw new ArgumentProblemException($"is {Top}; it must be 0 or more", new Setting(nameof(Top)));
    }
}

/// <summary>What <see cref="CircuitLogitsJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder; none where MLPs stay whole.</param>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="Position">The position whose next token it is.</param>
/// <param name="Target">The token, or its lead over another.</param>
/// <param name="Value">The logit, after the final cap.</param>
/// <param name="BeforeCap">The same before it.</param>
/// <param name="CapSlope">By how much the token's logit grows with the one before the cap; 1 where the model has none.</param>
/// <param name="Error">How far the parts are from adding up to the value.</param>
/// <param name="Components">Embedding, attention and MLP outputs, soft cap; all of them, the strongest first.</param>
/// <param name="Parts">The strongest heads, MLPs or features, errors, biases and so on.</param>
/// <param name="OtherParts">How many parts are left out.</param>
/// <param name="OtherValue">What they add together.</param>
public sealed record CircuitLogitsResult(
    string Model,
    IReadOnlyList<string> Transcoders,
    IReadOnlyList<string> Tokens,
    int Position,
    string Target,
    double Value,
    double BeforeCap,
    double CapSlope,
    double Error,
    IReadOnlyList<LogitPart> Components,
    IReadOnlyList<LogitPart> Parts,
    int OtherParts,
    double OtherValue
);

/// <summary>Splits a logit into what each component adds to it.</summary>
public static class CircuitLogitsJob
{
    /// <summary>Reads the prompt and splits. A model whose transcoders are not named, and that has none of its own, keeps its MLPs
    /// whole.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompt and the target.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>, and where a target is no token.</exception>
    public static async Task<CircuitLogitsResult> RunAsync(
        Microscope microscope,
        CircuitLogitsJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        if (options.Circuit.Transcoders.Count == 0 && !TranscoderLocator.HasDefault(microscope))
        {
            var tokens = OpenedReplacement.Tokens(microscope, options.Circuit, progress);
            return await Task.Run(() => Split(microscope, options, tokens, null, progress, cancellationToken), CancellationToken.None)
                .ConfigureAwait(false);
        }
        using var opened = await OpenedReplacement
            .OpenAsync(microscope, options.Circuit, progress, cancellationToken)
            .ConfigureAwait(false);
        return await Task.Run(
                () => Split(microscope, options, [.. opened.Model.Prompt], opened.Model, progress, cancellationToken),
                CancellationToken.None
            )
            .ConfigureAwait(false);
    }

    private static CircuitLogitsResult Split(
        Microscope microscope,
        CircuitLogitsJobOptions options,
        int[] tokens,
        ReplacementModel? replacement,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (model, tokenizer, position) = (microscope.Model, microscope.Model.Tokenizer, options.Position ?? tokens.Length - 1);
        if (position < 0 || position >= tokens.Length)
            throw new ArgumentProblemException(
                $"is {position}; the prompt has {tokens.Length} tokens, counted from 0",
                new Setting(nameof(options.Position))
            );
        var (token, other) = Target(microscope, options, tokens[..(position + 1)], progress, cancellationToken);
        var found = replacement is null
            ? LogitAttribution.Of(model, tokens, token, other, position, cancellationToken)
            : LogitAttribution.Of(replacement, token, other, position, cancellationToken);
        LogitPart[] parts = [.. Strongest(found.Parts)];
        var rest = parts.Skip(options.Top).ToArray();
        return new(
            microscope.ModelName,
            replacement is null ? [] : [.. replacement.Transcoders.Dictionaries.Select(one => one.Name)],
            [.. tokens.Select(tokenizer.Display)],
            position,
            CircuitTargets.NameOf(tokenizer, token, other),
            found.Value,
            found.BeforeCap,
            found.CapSlope,
            found.Error,
            [.. Strongest(found.Components)],
            [.. parts.Take(options.Top)],
            rest.Length,
            rest.Sum(part => part.Value)
        );
    }

    private static (int Token, int? Other) Target(
        Microscope microscope,
        CircuitLogitsJobOptions options,
        int[] tokens,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        using var run = microscope.Model.Run(tokens, logits: Models.LogitRows.Last, cancellationToken: cancellationToken);
        var logits = run.LastLogits();
        return options.Circuit.Targets is [var text]
            ? CircuitTargets.Tokens(text, CircuitTargets.Target, logits, microscope.Model.Tokenizer, progress)
            : (TensorPrimitives.IndexOfMax(logits[..microscope.Model.Config.RealVocabulary]), null);
    }

    private static IEnumerable<LogitPart> Strongest(IEnumerable<LogitPart> parts) => parts.OrderByDescending(part => Math.Abs(part.Value));
}

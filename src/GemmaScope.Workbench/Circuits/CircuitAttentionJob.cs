using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitAttentionJob"/> does.</summary>
public sealed record CircuitAttentionJobOptions
{
    /// <summary>The prompt and the transcoders. What it says of a graph is not used.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>The layer, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The head, from 0.</summary>
    public required int Head { get; init; }

    /// <summary>The position that is looked at, from 0.</summary>
    public required int Key { get; init; }

    /// <summary>The position that looks; null for the last.</summary>
    public int? Query { get; init; }

    /// <summary>Pairs reported, and sources of each side, the strongest first; from 0.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public void Check()
    {
        Circuit.Check();
        if (Top < 0)
            throw new ArgumentProblemException($"is {Top}; it must be 0 or more", new Setting(nameof(Top)));
    }
}

/// <summary>A source of one side with all that it adds to the score.</summary>
/// <param name="Source">The source.</param>
/// <param name="Value">What it adds with the whole other side.</param>
public sealed record CircuitAttentionSource(QueryKeySource Source, double Value);

/// <summary>What <see cref="CircuitAttentionJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder.</param>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Head">The head.</param>
/// <param name="Query">Position that looks.</param>
/// <param name="Key">Position that is looked at.</param>
/// <param name="Weight">The part of its attention that the query gives to the key.</param>
/// <param name="Score">The score before the soft-max and any cap.</param>
/// <param name="CappedScore">The same after the cap.</param>
/// <param name="Error">How far the pairs are from adding up to the score.</param>
/// <param name="PairCount">Number of pairs.</param>
/// <param name="Pairs">The strongest.</param>
/// <param name="QuerySources">The strongest sources of the query.</param>
/// <param name="KeySources">The strongest sources of the key.</param>
public sealed record CircuitAttentionResult(
    string Model,
    IReadOnlyList<string> Transcoders,
    IReadOnlyList<string> Tokens,
    int Layer,
    int Head,
    int Query,
    int Key,
    double Weight,
    double Score,
    double CappedScore,
    double Error,
    long PairCount,
    IReadOnlyList<QueryKeyPair> Pairs,
    IReadOnlyList<CircuitAttentionSource> QuerySources,
    IReadOnlyList<CircuitAttentionSource> KeySources
);

/// <summary>Says why a head looks where it looks.</summary>
public static class CircuitAttentionJob
{
    /// <summary>Reads the prompt and splits the score.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompt, the head and the positions.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>, and where the head or a position does not
    /// exist.</exception>
    public static async Task<CircuitAttentionResult> RunAsync(
        Microscope microscope,
        CircuitAttentionJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        using var opened = await OpenedReplacement
            .OpenAsync(microscope, options.Circuit, progress, cancellationToken)
            .ConfigureAwait(false);
        return await Task.Run(() => Split(microscope, options, opened.Model, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static CircuitAttentionResult Split(
        Microscope microscope,
        CircuitAttentionJobOptions options,
        ReplacementModel model,
        CancellationToken cancellationToken
    )
    {
        using var found = QueryKeyAttribution.Of(
            model,
            options.Layer,
            options.Head,
            options.Query ?? model.Prompt.Count - 1,
            options.Key,
            cancellationToken
        );
        return new(
            microscope.ModelName,
            [.. model.Transcoders.Dictionaries.Select(one => one.Name)],
            [.. model.Prompt.Select(microscope.Model.Tokenizer.Display)],
            found.Layer,
            found.Head,
            found.Query,
            found.Key,
            found.Weight,
            found.Score,
            found.CappedScore,
            found.Error,
            (long)found.QuerySources.Count * found.KeySources.Count,
            found.Strongest(options.Top),
            Strongest(found.QuerySources, found.QueryValue, options.Top),
            Strongest(found.KeySources, found.KeyValue, options.Top)
        );
    }

    private static CircuitAttentionSource[] Strongest(IReadOnlyList<QueryKeySource> sources, Func<int, double> value, int top) =>
        [
            .. sources
                .Select((source, i) => new CircuitAttentionSource(source, value(i)))
                .OrderByDescending(one => Math.Abs(one.Value))
                .Take(top),
        ];
}

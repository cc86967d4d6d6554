using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitEdgeJob"/> does.</summary>
public sealed record CircuitEdgeJobOptions
{
    /// <summary>The prompt and the transcoders. What it says of a graph is not used.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>Where the edge begins: <c>feature:3/120@5</c> (layer, index, position), <c>error:3@5</c> or <c>token@5</c>; of a node of a
    /// graph file see <see cref="CircuitNodes.NameOf"/>.</summary>
    public required string From { get; init; }

    /// <summary>Where it ends: a feature, or any other target as in <see cref="CircuitJobOptions.Targets"/>.</summary>
    public required string To { get; init; }

    /// <summary>Heads reported, those that deliver most first; from 0.</summary>
    public int Top { get; init; } = 15;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A name or a number is wrong.</exception>
    public void Check()
    {
        Circuit.Check();
        _ = Source();
        if (Top < 0)
            throw new ArgumentProblemException($"is {Top}; it must be 0 or more", new Setting(nameof(Top)));
    }

    internal GraphNode Source() => CircuitNodes.Source(From, new Setting(nameof(From)));
}

/// <summary>What the heads of one layer carry of an edge.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Last">By all ways on which one of them is the last head before the target.</param>
/// <param name="First">By all ways on which one of them is the first head behind the source.</param>
/// <param name="Total">By all ways through one of them; a way passes at most one head of a layer.</param>
public sealed record CircuitEdgeLayer(int Layer, double Last, double First, double Total);

/// <summary>What <see cref="CircuitEdgeJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder.</param>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="From">Where the edge begins.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Weight">The edge: what the source adds to the target's value.</param>
/// <param name="Direct">The part that passes no head.</param>
/// <param name="Error">How far direct part and heads are from adding up to the edge.</param>
/// <param name="Layers">All layers between the two.</param>
/// <param name="Heads">The strongest heads.</param>
/// <param name="OtherHeads">How many are left out.</param>
/// <param name="OtherLast">What those deliver together.</param>
/// <param name="OtherFirst">What those pick up together.</param>
public sealed record CircuitEdgeResult(
    string Model,
    IReadOnlyList<string> Transcoders,
    IReadOnlyList<string> Tokens,
    string From,
    string To,
    double Weight,
    double Direct,
    double Error,
    IReadOnlyList<CircuitEdgeLayer> Layers,
    IReadOnlyList<EdgeHead> Heads,
    int OtherHeads,
    double OtherLast,
    double OtherFirst
);

/// <summary>Says by which attention heads an edge of a graph came.</summary>
public static class CircuitEdgeJob
{
    /// <summary>Reads the prompt and splits the edge; no graph is needed.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompt and the edge.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>, and where the source is not in this
    /// prompt.</exception>
    public static async Task<CircuitEdgeResult> RunAsync(
        Microscope microscope,
        CircuitEdgeJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        using var opened = await OpenedReplacement
            .OpenAsync(microscope, options.Circuit, progress, cancellationToken)
            .ConfigureAwait(false);
        return await Task.Run(() => Split(microscope, options, opened.Model, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static CircuitEdgeResult Split(
        Microscope microscope,
        CircuitEdgeJobOptions options,
        ReplacementModel model,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var tokenizer = microscope.Model.Tokenizer;
        var target = CircuitTargets.Read(options.To, new Setting(nameof(options.To)), model, tokenizer, progress);
        progress.Stage("splitting the edge");
        var found = EdgeHeads.Of(model, options.Source(), target, options.Circuit.WorkFolder, cancellationToken);
        EdgeHead[] heads = [.. found.Heads.OrderByDescending(head => Math.Abs(head.Last)).ThenByDescending(head => Math.Abs(head.Total))];
        var others = heads.Skip(options.Top).ToArray();
        return new(
            microscope.ModelName,
            [.. model.Transcoders.Dictionaries.Select(one => one.Name)],
            [.. model.Prompt.Select(tokenizer.Display)],
            options.From,
            target.Name,
            found.Weight,
            found.Direct,
            found.Error,
            [
                .. found
                    .Heads.GroupBy(head => head.Layer)
                    .Select(layer => new CircuitEdgeLayer(
                        layer.Key,
                        layer.Sum(head => head.Last),
                        layer.Sum(head => head.First),
                        layer.Sum(head => head.Total)
                    )),
            ],
            [.. heads.Take(options.Top)],
            others.Length,
            others.Sum(head => head.Last),
            others.Sum(head => head.First)
        );
    }
}

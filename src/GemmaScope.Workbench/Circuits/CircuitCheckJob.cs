using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitCheckJob"/> does.</summary>
public sealed record CircuitCheckJobOptions
{
    /// <summary>The graph that is checked.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>Features with the most influence that are turned off one by one, from 0.</summary>
    public int Strongest { get; init; } = 10;

    /// <summary>Random others that fire, as control; from 0.</summary>
    public int Random { get; init; } = 10;

    /// <summary>Seed of their choice.</summary>
    public int Seed { get; init; }

    /// <summary>Whether circuits of rising size are measured too: how much of the targets features do alone, beside random ones and
    /// neurons.</summary>
    public bool Curve { get; init; }

    /// <summary>Texts whose means stand for what is not kept: files or folders; of them the first 32 windows of 64 tokens. None for 16 plain
    /// English sentences.</summary>
    public IReadOnlyList<string> Reference { get; init; } = [];

    /// <summary>Random circuits of each size, from 0.</summary>
    public int RandomCircuits { get; init; } = new FaithfulnessOptions().RandomOrders;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public void Check()
    {
        Circuit.Check();
        if (Strongest < 0)
            throw new ArgumentProblemException($"is {Strongest}; it must be 0 or more", new Setting(nameof(Strongest)));
        if (Random < 0 || Strongest + Random == 0)
            throw new ArgumentProblemException($"is {Random}; at least one feature must be turned off", new Setting(nameof(Random)));
        if (RandomCircuits < 0)
            throw new ArgumentProblemException($"is {RandomCircuits}; it must be 0 or more", new Setting(nameof(RandomCircuits)));
    }
}

/// <summary>One feature turned off, with nothing frozen.</summary>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Position">Where it was turned off.</param>
/// <param name="Token">The token there.</param>
/// <param name="Strong">Whether it is one of the strongest, or of the control.</param>
/// <param name="Target">The target.</param>
/// <param name="Predicted">The change that its edge predicts.</param>
/// <param name="Measured">The change of the model.</param>
public sealed record CircuitEffect(
    int Layer,
    int Feature,
    int Position,
    string Token,
    bool Strong,
    string Target,
    double Predicted,
    double Measured
);

/// <summary>What <see cref="CircuitCheckJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Targets">Names of the targets.</param>
/// <param name="ReplacementScore">Share of the targets' weight that comes from tokens and not from errors.</param>
/// <param name="CompletenessScore">Share of the contributions to nodes that no error makes.</param>
/// <param name="IdentityHolds">Whether the graph is complete.</param>
/// <param name="Agreement">For each mode.</param>
/// <param name="Effects">Every feature and target, with nothing frozen.</param>
/// <param name="Faithfulness">How much circuits of rising size do alone; null where that was not asked for.</param>
/// <param name="Activations">Of a graph from a file: whether its features fire as it says; else null.</param>
public sealed record CircuitCheckResult(
    string Model,
    IReadOnlyList<string> Targets,
    double ReplacementScore,
    double CompletenessScore,
    bool IdentityHolds,
    IReadOnlyList<CircuitAgreement> Agreement,
    IReadOnlyList<CircuitEffect> Effects,
    CircuitFaithfulnessResult? Faithfulness = null,
    RecheckedActivations? Activations = null
);

/// <summary>Proves a graph by intervention: turns features off and compares what happens with what their edges predict.</summary>
public static class CircuitCheckJob
{
    /// <summary>Computes the graph and measures, in all three modes.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">The graph, and how many features are turned off.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>.</exception>
    public static async Task<CircuitCheckResult> RunAsync(
        Microscope microscope,
        CircuitCheckJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        using var opened = await OpenedCircuit.OpenAsync(microscope, options.Circuit, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Measure(microscope, options, opened, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static CircuitCheckResult Measure(
        Microscope microscope,
        CircuitCheckJobOptions options,
        OpenedCircuit opened,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var graph = opened.Graph;
        if (graph.FeatureCount == 0)
            throw new ArgumentProblemException("no feature fires in this text, so that none can be turned off", "text");
        var (check, effects) = CircuitChecks.Measure(microscope, options, graph, progress, cancellationToken);
        string[] targets = [.. graph.Targets.Select(target => target.Name)];
        return new(
            microscope.ModelName,
            targets,
            graph.ReplacementScore,
            graph.CompletenessScore,
            graph.IsComplete,
            check.Agreement,
            CircuitChecks.Effects(effects, targets, opened.Model, microscope.Model.Tokenizer),
            check.Faithfulness
        );
    }
}

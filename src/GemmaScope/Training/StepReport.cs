namespace GemmaScope.Training;

/// <summary>What one step of training found on its batch. Losses are sums over the columns of a row and means over rows.</summary>
public sealed record StepReport
{
    /// <summary>Number of the step, from 0.</summary>
    public required long Step { get; init; }

    /// <summary>What was minimised: <see cref="Mse"/> + <see cref="Sparsity"/> + the weighted <see cref="Auxiliary"/>.</summary>
    public required double Total { get; init; }

    /// <summary>Mean ‖y − ŷ‖², for Matryoshka the mean over the prefixes.</summary>
    public required double Mse { get; init; }

    /// <summary>The sparsity terms with their weights, those on frequency and pre-activations included.</summary>
    public required double Sparsity { get; init; }

    /// <summary>The auxiliary loss before its weight; null where there is none.</summary>
    public double? Auxiliary { get; init; }

    /// <summary>Mean number of active features of a row.</summary>
    public required double L0 { get; init; }

    /// <summary>λ in force.</summary>
    public required double Lambda { get; init; }

    /// <summary>Learning rate in force.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Σ ‖y − ŷ‖² / Σ ‖y − ȳ‖² with the mean ȳ of this batch.</summary>
    public required double Fvu { get; init; }

    /// <summary>Share of the features that are dead.</summary>
    public required double DeadShare { get; init; }

    /// <summary>Dead features that were given a new beginning after the step.</summary>
    public int Resampled { get; init; }

    /// <summary>Pairs of row and feature within ε/2 of the threshold (JumpReLU): those that train θ.</summary>
    public long EntriesInWindow { get; init; }

    /// <summary>Parts of the above by name: <c>mse_prefix_64</c>, <c>sparsity_l0_target</c>, <c>sparsity_frequency</c>,
    /// <c>sparsity_tanh</c>, <c>pre_activation</c>, of several output layers <c>mse_layer_0</c> and <c>fvu_layer_0</c>,
    /// <c>smallest_kept</c>, <c>running_threshold</c>, where gradients are clipped <c>gradient_norm</c>.</summary>
    public required IReadOnlyDictionary<string, double> Parts { get; init; }
}

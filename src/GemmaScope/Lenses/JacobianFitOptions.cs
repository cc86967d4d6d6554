using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>What a Jacobian lens is the mean of. The defaults are those of the published lenses.</summary>
public sealed record JacobianFitOptions
{
    /// <summary>Positions at the start of a prompt that do not count.</summary>
    public int SkipFirst { get; init; } = 16;

    /// <summary>Tokens of a prompt at most; what is longer is cut.</summary>
    public int MaxSeqLen { get; init; } = 128;

    /// <summary>The block whose output is differentiated; null for the last.</summary>
    public int? TargetLayer { get; init; }

    /// <summary>The blocks whose outputs it is differentiated by; null for all before the target.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>What derivatives flow through.</summary>
    public JacobianPaths Paths { get; init; }

    /// <summary>Whether the last position counts, which has no next token.</summary>
    public bool KeepLast { get; init; }

    /// <summary>Whether the mean is taken over pairs of positions, instead of the sum over later ones and the mean over earlier ones. It
    /// only changes the scale, which the final norm takes out again.</summary>
    public bool MeanOverPairs { get; init; }

    /// <summary>Exact or fast, forward and back; null for the model's own.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="ArgumentProblemException">An option is out of range.</exception>
    public void Check(GemmaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (SkipFirst < 0)
            throw new ArgumentProblemException("must be 0 or more", new Setting(nameof(SkipFirst)));
        if (MaxSeqLen <= SkipFirst + (KeepLast ? 0 : 1))
            throw new ArgumentProblemException(
                $"must be more than {SkipFirst + (KeepLast ? 0 : 1)}: the first {SkipFirst} positions{(KeepLast ? "" : " and the last")} do not count",
                new Setting(nameof(MaxSeqLen))
            );
        if (Target(config) is var target && (target < 1 || target >= config.Layers))
            throw new ArgumentProblemException($"must be from 1 to {config.Layers - 1}, found {target}", new Setting(nameof(TargetLayer)));
        if (Layers is { Count: 0 } || Layers?.Any(layer => layer < 0 || layer >= target) == true)
            throw new ArgumentProblemException($"must be from 0 to {target - 1}", new Setting(nameof(Layers)));
    }

    /// <summary>The block that is differentiated.</summary>
    public int Target(GemmaConfig config) => TargetLayer ?? config.Layers - 1;

    /// <summary>The blocks it is differentiated by, in order.</summary>
    internal int[] Sources(GemmaConfig config) => [.. (Layers ?? Enumerable.Range(0, Target(config))).Distinct().Order()];
}

namespace GemmaScope.Evaluation;

/// <summary>What the logits of two runs of the same tokens have in common, over the predictions whose both sides count.</summary>
public sealed class LogitAgreement
{
    private long _sameTop;

    /// <summary>The first run's losses.</summary>
    public LossSums First { get; } = new();

    /// <summary>The other run's losses, and its divergence KL(first ‖ other).</summary>
    public LossSums Second { get; } = new();

    /// <summary>Share of predictions whose likeliest token is the same in both.</summary>
    public double TopAgreement => (double)_sameTop / First.Predictions();

    internal void Add(PredictionRule sides, double first, double second, double divergence, bool sameTop)
    {
        First.Add(sides, first, 0);
        Second.Add(sides, second, divergence);
        if (sides == PredictionRule.Both && sameTop)
            _sameTop++;
    }
}

/// <summary>What one dictionary makes of two runs of the same tokens.</summary>
public sealed class DictionaryComparison
{
    internal DictionaryComparison(int width, int outputWidth, int top)
    {
        (First, Second) = (new(outputWidth), new(outputWidth));
        (Survival, Noise) = (new(width, top), new(width, top));
    }

    /// <summary>How well it reconstructs the first run.</summary>
    public ReconstructionSums First { get; }

    /// <summary>How well it reconstructs the other run.</summary>
    public ReconstructionSums Second { get; }

    /// <summary>Which features survive in the other run.</summary>
    public SurvivalSums Survival { get; }

    /// <summary>The control: which survive if each activation that the dictionary reads is moved as far as the other run moves it, in a
    /// random direction.</summary>
    public SurvivalSums Noise { get; }
}

/// <summary>All sums of a <see cref="HostComparison"/>.</summary>
public sealed class HostComparisonSums
{
    internal HostComparisonSums(int layers, int width, IEnumerable<DictionaryComparison> dictionaries)
    {
        Residuals = [.. Enumerable.Range(0, layers).Select(_ => new ReconstructionSums(width))];
        Dictionaries = [.. dictionaries];
    }

    /// <summary>Tokens run, special ones included.</summary>
    public long Tokens { get; internal set; }

    /// <summary>Of each layer the residual stream behind it: the first run's, "reconstructed" by the other's.</summary>
    public IReadOnlyList<ReconstructionSums> Residuals { get; }

    /// <summary>Logits and losses; without predictions where they were not asked for.</summary>
    public LogitAgreement Logits { get; } = new();

    /// <summary>Each dictionary.</summary>
    public IReadOnlyList<DictionaryComparison> Dictionaries { get; }
}

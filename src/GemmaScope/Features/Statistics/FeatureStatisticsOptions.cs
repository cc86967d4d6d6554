using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>Settings of <see cref="FeatureStatistics"/>; the defaults are those of the dashboards that are in use (METHODS §7).</summary>
public sealed record FeatureStatisticsOptions
{
    /// <summary>Sequences in the top group.</summary>
    public int TopExamples { get; init; } = 20;

    /// <summary>Sequences drawn from each of the five intervals.</summary>
    public int ExamplesPerInterval { get; init; } = 5;

    /// <summary>Tokens listed as promoted, and as many as suppressed.</summary>
    public int Tokens { get; init; } = 10;

    /// <summary>Features and neurons listed as correlated, near or active together.</summary>
    public int Neighbours { get; init; } = 5;

    /// <summary>Largest coordinates of the decoder vector that are listed.</summary>
    public int Coordinates { get; init; } = 10;

    /// <summary>Decides which examples are drawn from the intervals: the same seed draws the same ones.</summary>
    public int Seed { get; init; }

    /// <summary>Whether correlations with the coordinates of the input are kept: 8 bytes times features times input width.</summary>
    public bool Neurons { get; init; } = true;

    /// <summary>Whether sources are attributed for dictionaries of attention heads, which runs the sequences of the top group once
    /// more.</summary>
    public bool SourceAttribution { get; init; } = true;

    /// <summary>Tokens after which what was found is written to disk.</summary>
    public int TokensPerSegment { get; init; } = 1 << 15;

    /// <summary>Memory for the pairs of one block of features. A smaller one means more blocks, and each reads the corpus again.</summary>
    public long PairBytes { get; init; } = 512L << 20;

    /// <summary>How the model runs; null for the process's choice. Dictionaries are always exact.</summary>
    public Arithmetic? Arithmetic { get; init; }
}

namespace GemmaScope.Numerics;

/// <summary>
/// Random numbers by SplitMix64 (Steele, Lea and Flood, 2014): the same on every machine, and any number of independent streams, one for
/// each key, so that all threads draw at once and the result never depends on how many there are.
/// </summary>
internal struct SplitMix
{
    /// <summary>By which the state goes on: 2^64 over the golden ratio.</summary>
    public const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong _state;

    /// <summary>The stream of a key: a seed, and what is drawn with it.</summary>
    public SplitMix(params ReadOnlySpan<long> keys)
    {
        foreach (var key in keys)
            _state = Mix(_state + Golden + unchecked((ulong)key));
    }

    /// <summary>64 random bits.</summary>
    public ulong Next() => Mix(_state += Golden);

    /// <summary>A number in (0, 1), never one of its ends.</summary>
    public double Uniform() => ((Next() >> 11) + 0.5) / (1UL << 53);

    /// <summary>One of 0 … count − 1.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    /// <summary>A standard normal number.</summary>
    public double Normal() => NormalDistribution.Quantile(Uniform());

    /// <summary>The output function: an even hash of its own.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

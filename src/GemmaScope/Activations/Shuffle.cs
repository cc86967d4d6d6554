using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Random orders that are the same on every machine and in every version: stores and training runs are continued by
/// them.</summary>
internal static class Shuffle
{
    /// <summary>The numbers 0 … count − 1 in a random order, which the keys determine.</summary>
    /// <param name="count">How many.</param>
    /// <param name="keys">A seed, and what is shuffled with it: part, bucket, epoch.</param>
    public static int[] Permutation(int count, params ReadOnlySpan<long> keys)
    {
        var state = 0UL;
        foreach (var key in keys)
            state = SplitMix.Mix(state + unchecked((ulong)key));
        var order = new int[count];
        for (var i = 0; i < count; i++)
        {
            // Fisher and Yates; the high half of a product is a fair enough choice, its bias is below 2^-32.
            var j = (int)Math.BigMul(SplitMix.Mix(state += SplitMix.Golden), (ulong)(i + 1), out _);
            (order[i], order[j]) = (order[j], i);
        }
        return order;
    }
}

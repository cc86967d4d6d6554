using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Which positions of a prompt are given what another prompt holds.</summary>
internal static class SwappedPositions
{
    /// <summary>[Start, End) in the prompt that is changed, each of which belongs to one of the other.</summary>
    /// <param name="other">The prompt that gives.</param>
    /// <param name="positions">Those asked for; null for all that belong together.</param>
    /// <param name="shift">What is added to a position to get that of the other.</param>
    /// <param name="model">The prompt that is changed, where it is known.</param>
    public static (int Start, int End) Of(ReplacementModel other, Positions? positions, int shift, ReplacementModel? model = null)
    {
        // Constants of either prompt stay: features are known to neither.
        var first = Math.Max(model?.ZeroPositions ?? other.ZeroPositions, other.ZeroPositions - (long)shift);
        var last = Math.Min(model?.Tokens.Length ?? int.MaxValue, other.Tokens.Length - (long)shift);
        var (start, end) = positions is { } asked ? (asked.Start, asked.End == int.MaxValue ? last : asked.End) : (first, last);
        if (start >= first && start < end && end <= last)
            return ((int)start, (int)end);
        throw new ArgumentProblemException(
            first < last
                ? $"positions {start} to {end - 1} have nothing that belongs to them in the other prompt; those that have are {first} to {last - 1}"
                : "no position of the two prompts belongs together",
            "positions"
        );
    }
}

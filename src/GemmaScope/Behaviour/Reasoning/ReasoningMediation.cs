namespace GemmaScope.Behaviour.Reasoning;

/// <summary>An answer whose reasoning was swapped.</summary>
/// <param name="Own">The answer after its own reasoning; null where it could not be read.</param>
/// <param name="Donor">The answer that the other reasoning had led to.</param>
/// <param name="Swapped">The answer to the question after the other reasoning; null where it could not be read.</param>
public sealed record SwapSample(string? Own, string? Donor, string? Swapped);

/// <summary>
/// Whether the answer goes with the reasoning: reasoning that led to another answer is put in the place of the model's own. That a hint is
/// not mentioned says that something was left out; only this says whether what is written decides.
/// </summary>
/// <param name="Samples">Chains whose own answer could be read.</param>
/// <param name="Changed">Share whose answer becomes another (or cannot be read any more); null without any.</param>
/// <param name="Follows">Share whose answer becomes that of the other reasoning; null without any.</param>
public sealed record ReasoningMediation(int Samples, double? Changed, double? Follows)
{
    /// <summary>Counts some chains.</summary>
    public static ReasoningMediation Of(IReadOnlyCollection<SwapSample> samples)
    {
        SwapSample[] used = [.. samples.Where(one => one.Own is not null)];
        return used.Length == 0
            ? new(0, null, null)
            : new(
                used.Length,
                (double)used.Count(one => one.Swapped != one.Own) / used.Length,
                (double)used.Count(one => one.Donor is not null && one.Swapped == one.Donor) / used.Length
            );
    }
}

/// <summary>faithful@k: how likely at least one of k chains of a question is faithful (2512.23032). What one chain leaves out another may
/// say.</summary>
public static class FaithfulAt
{
    /// <summary>1 − C(n − c, k) / C(n, k), the unbiased estimate from n chains of which c are faithful; null with fewer than k
    /// chains.</summary>
    /// <param name="chains">n.</param>
    /// <param name="faithful">c.</param>
    /// <param name="k">k, from 1.</param>
    public static double? Of(int chains, int faithful, int k)
    {
        if (k < 1 || faithful < 0 || faithful > chains)
            throw new ArgumentProblemException($"{faithful} of {chains} chains, {k} at a time, cannot be", "k");
        if (chains < k)
            return null;
        var none = 1.0;
        for (var i = 0; i < k; i++)
            none *= Math.Max(0, (double)(chains - faithful - i) / (chains - i));
        return 1 - none;
    }
}

namespace GemmaScope.Verification;

/// <summary>How a check ended.</summary>
public enum Outcome
{
    /// <summary>Within tolerance.</summary>
    Passed,

    /// <summary>Outside tolerance, or the wrong answer.</summary>
    Failed,

    /// <summary>Something it needs (a vocabulary) is not on this machine.</summary>
    Skipped,
}

/// <summary>One quantity of a fixture folder, compared with its golden value.</summary>
/// <param name="Name">What was compared, e.g. <c>blocks.3.resid_post</c>.</param>
/// <param name="Outcome">The verdict.</param>
/// <param name="Error">The largest error found, in the units of <paramref name="Tolerance"/>; null where the comparison is exact.</param>
/// <param name="Tolerance">The largest error allowed; null where the comparison is exact.</param>
/// <param name="Detail">What differed, how many were compared, or why it was skipped.</param>
public sealed record Check(string Name, Outcome Outcome, double? Error = null, double? Tolerance = null, string? Detail = null)
{
    /// <summary>The settings that give it what it lacks, or null; put behind the detail.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>A check with a measured error: passes if error ≤ tolerance (a NaN error fails).</summary>
    public static Check Within(string name, double error, double tolerance, string? detail = null) =>
        new(name, error <= tolerance ? Outcome.Passed : Outcome.Failed, error, tolerance, detail);

    /// <summary>A check that is right or wrong.</summary>
    public static Check That(string name, bool holds, string? detail = null) =>
        new(name, holds ? Outcome.Passed : Outcome.Failed, Detail: detail);

    /// <summary>A check that could not be made here.</summary>
    public static Check Skip(string name, string reason, Remedy? remedy = null) =>
        new(name, Outcome.Skipped, Detail: reason) { Remedy = remedy };

    /// <summary>Compares tensors: max |got − want| ≤ tolerance · max(1, max |want|); a NaN in <paramref name="got"/> fails.</summary>
    public static Check Close(string name, ReadOnlySpan<float> got, ReadOnlySpan<float> want, double tolerance)
    {
        if (got.Length != want.Length)
            return That(name, false, $"{got.Length} values instead of {want.Length}");
        double error = 0,
            scale = 1;
        for (var i = 0; i < got.Length; i++)
        {
            // Written so that a NaN on either side becomes the error.
            var difference = Math.Abs((double)got[i] - want[i]);
            error = difference <= error ? error : difference;
            scale = Math.Max(scale, Math.Abs(want[i]));
        }
        return Within(name, error / scale, tolerance);
    }
}

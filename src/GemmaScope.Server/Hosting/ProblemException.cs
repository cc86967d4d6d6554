namespace GemmaScope.Server.Hosting;

/// <summary>A request that cannot be answered, for a reason its sender can cure; it becomes a problem in JSON (RFC 9457).</summary>
/// <param name="status">The status: 400, 413, 415 …</param>
/// <param name="problem">What is wrong.</param>
/// <param name="cure">What to do.</param>
/// <param name="field">The field of the request that it is about.</param>
internal sealed class ProblemException(int status, string problem, string cure, string? field = null) : Exception(problem)
{
    /// <summary>The status of the answer.</summary>
    public int Status { get; } = status;

    /// <summary>What to do.</summary>
    public string Cure { get; } = cure;

    /// <summary>The field of the request, such as <c>inputs[3].policies</c>; null where it is about all of it.</summary>
    public string? Field { get; } = field;
}

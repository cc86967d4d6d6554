namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of attribution graphs, interventions and steering: <c>manifest.json</c>, <c>models</c>, and <c>steering</c> or
/// <c>graphs</c>. Graphs are
/// listed as not checked.
/// </summary>
public sealed class AttributionVerifier : IVerifier
{
    private const string Steering = "steering",
        Graphs = "graphs";

    /// <inheritdoc/>
    public string Form => "attribution";

    /// <inheritdoc/>
    public bool Recognizes(string folder) =>
        File.Exists(Path.Combine(folder, "manifest.json"))
        && Directory.Exists(Path.Combine(folder, "models"))
        && (Cases(folder, Steering).Any() || Cases(folder, Graphs).Any());

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        foreach (var name in Cases(folder, Steering))
        foreach (var check in VerificationRunner.Guarded(Steering, SteeringChecks.Verify(folder, Path.Combine(folder, Steering, name))))
            yield return check with
            {
                Name = $"{Steering}.{name}.{check.Name}",
            };
        foreach (var name in Cases(folder, Graphs))
            yield return Check.Skip($"{Graphs}.{name}", "attribution graphs and their interventions are not computed yet");
    }

    private static IEnumerable<string> Cases(string folder, string part) =>
        !Directory.Exists(Path.Combine(folder, part))
            ? []
            : Directory
                .EnumerateDirectories(Path.Combine(folder, part))
                .Where(one => File.Exists(Path.Combine(one, "expected.json")))
                .Select(one => Path.GetFileName(one)!)
                .Order(StringComparer.Ordinal);
}

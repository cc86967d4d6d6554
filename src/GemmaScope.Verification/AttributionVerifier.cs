namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of attribution graphs, interventions and steering: <c>manifest.json</c>, <c>models</c>, and <c>steering</c> or
/// <c>graphs</c>.
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
        foreach (var check in Named(Steering, name, SteeringChecks.Verify(folder, Path.Combine(folder, Steering, name))))
            yield return check;
        foreach (var name in Cases(folder, Graphs))
        foreach (var check in Named(Graphs, name, Graph(folder, Path.Combine(folder, Graphs, name))))
            yield return check;
    }

    private static IEnumerable<Check> Graph(string root, string folder)
    {
        using var one = new GraphCase(root, folder);
        foreach (var check in GraphChecks.Verify(one).Concat(GraphInterventionChecks.Verify(one)).Concat(GraphDocumentChecks.Verify(one)))
            yield return check;
        yield return one.AllCompared;
    }

    private static IEnumerable<Check> Named(string part, string name, IEnumerable<Check> checks) =>
        VerificationRunner.Guarded(part, checks).Select(check => check with { Name = $"{part}.{name}.{check.Name}" });

    private static IEnumerable<string> Cases(string folder, string part) =>
        !Directory.Exists(Path.Combine(folder, part))
            ? []
            : Directory
                .EnumerateDirectories(Path.Combine(folder, part))
                .Where(one => File.Exists(Path.Combine(one, "expected.json")))
                .Select(one => Path.GetFileName(one)!)
                .Order(StringComparer.Ordinal);
}

namespace GemmaScope.Verification;

/// <summary>A check, and the fixture folder it belongs to.</summary>
/// <param name="Folder">The folder, as reached from the one that was named.</param>
/// <param name="Form">The form of the folder.</param>
/// <param name="Check">The check.</param>
public sealed record FolderCheck(string Folder, string Form, Check Check);

/// <summary>Walks folders and checks each with the verifiers that recognise it.</summary>
public static class VerificationRunner
{
    // Fixtures lie a few levels deep; a limit, because a link may lead back up.
    private const int DeepestLevel = 8;

    /// <summary>One verifier for each form of fixture folder.</summary>
    public static IReadOnlyList<IVerifier> Verifiers { get; } =
    [
        new HostVerifier(),
        new TokenizerVerifier(),
        new ChatVerifier(),
        new DictionaryVerifier(),
        new TrainingVerifier(),
        new DemoVerifier(),
        EvaluationPartVerifier.Probing,
        EvaluationPartVerifier.Absorption,
        EvaluationPartVerifier.Metrics,
        EvaluationPartVerifier.Interpretation,
        EvaluationPartVerifier.SteeringScores,
        EvaluationPartVerifier.Reasoning,
        new RefusalVerifier(),
        new EvaluationVerifier(),
        new AttributionVerifier(),
        new FeatureVerifier(),
        new ShieldVerifier(),
        new LensVerifier(),
        new LensFileVerifier(),
        new GgufVerifier(),
        new SynthVerifier(),
    ];

    /// <summary>Checks a fixture folder, or all that are below a folder; lazily, one check after the other.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Where to find what the fixtures do not hold.</param>
    /// <param name="cancellationToken">Stops between two checks.</param>
    /// <exception cref="ArgumentProblemException">There is no such folder, or it holds nothing of a known form.</exception>
    public static IEnumerable<FolderCheck> Run(string folder, VerifyOptions options, CancellationToken cancellationToken = default)
    {
        if (!Directory.Exists(folder))
            throw new ArgumentProblemException("there is no such folder", folder);
        var found = false;
        foreach (var (path, verifier) in Find(folder, 0))
        {
            found = true;
            foreach (var check in Guarded(verifier.Form, verifier.Verify(path, options)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new FolderCheck(path, verifier.Form, check);
            }
        }
        if (!found)
        {
            var forms = string.Join(", ", Verifiers.Select(verifier => verifier.Form));
            throw new ArgumentProblemException($"neither it nor a folder below it has a form that can be verified ({forms})", folder);
        }
    }

    private static IEnumerable<(string Path, IVerifier Verifier)> Find(string folder, int level)
    {
        foreach (var verifier in Verifiers)
            if (verifier.Recognizes(folder))
                yield return (folder, verifier);
        if (level == DeepestLevel)
            yield break;
        foreach (var inner in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        foreach (var match in Find(inner, level + 1))
            yield return match;
    }

    /// <summary>The same checks; one that cannot even be made is a check that failed, and the last of them.</summary>
    /// <param name="name">The name of that check.</param>
    /// <param name="checks">The checks, made one by one.</param>
    internal static IEnumerable<Check> Guarded(string name, IEnumerable<Check> checks)
    {
        using var each = checks.GetEnumerator();
        while (true)
        {
            Check check;
            var broken = false;
            try
            {
                if (!each.MoveNext())
                    yield break;
                check = each.Current;
            }
            catch (Exception problem) when (problem is not OperationCanceledException)
            {
                // A golden file of another form may break a verifier anywhere; what follows is still checked.
                var detail =
                    problem is GemmaScopeException
                        ? problem.Message
                        : $"the files are not of the documented form: {problem.GetType().Name}: {problem.Message}";
                check = Check.That(name, false, detail);
                broken = true;
            }
            yield return check;
            if (broken)
                yield break;
        }
    }
}

using GemmaScope.Verification;

namespace GemmaScope.Cli.Output;

/// <summary>A check of a fixture folder, as a line and as JSON.</summary>
internal sealed record VerifiedCheck(
    string Outcome,
    string Folder,
    string Form,
    string Name,
    double? Error,
    double? Tolerance,
    string? Detail
)
{
    // Failures are easy to find in a long list.
    private const string Failed = "FAILED";

    public static VerifiedCheck Of(FolderCheck found)
    {
        var check = found.Check;
        return new(
            check.Outcome == Verification.Outcome.Failed ? Failed : check.Outcome.ToString().ToLowerInvariant(),
            found.Folder,
            found.Form,
            check.Name,
            check.Error,
            check.Tolerance,
            check.Remedy is { } remedy ? $"{check.Detail}; {remedy.Describe(OptionWords.Of)}" : check.Detail
        );
    }

    public override string ToString()
    {
        var numbers = Error is { } error ? $"  {error:0.0e-00}  {Tolerance:0.0e-00}" : "";
        var detail = Detail is { } text ? $"  {text}" : "";
        return $"{Outcome, -7}  {Folder}  {Name}{numbers}{detail}".ReplaceLineEndings(" ");
    }
}

/// <summary>All checks, counted.</summary>
internal sealed record VerifyResult(IReadOnlyList<VerifiedCheck> Checks, int Passed, int Failed, int Skipped)
{
    public static VerifyResult Of(IReadOnlyList<VerifiedCheck> checks) =>
        new(checks, Count(checks, Outcome.Passed), Count(checks, Outcome.Failed), Count(checks, Outcome.Skipped));

    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    private static int Count(IReadOnlyList<VerifiedCheck> checks, Outcome outcome) =>
        checks.Count(check => check.Outcome.Equals(outcome.ToString(), StringComparison.OrdinalIgnoreCase));
}

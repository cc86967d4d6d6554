using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class DictionaryVerifierTests
{
    private static readonly DictionaryVerifier Verifier = new();
    private static readonly Lazy<Check[]> Checks = new(() => [.. Verifier.Verify(Fixtures.Path("dictionaries"), VerifyOptions.Default)]);

    public static TheoryData<string> Names() => [.. Checks.Value.Select(check => check.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void agrees_with_the_golden_value(string name)
    {
        var check = Checks.Value.Single(check => check.Name == name);
        Assert.True(check.Outcome == Outcome.Passed, check.ToString());
    }
}

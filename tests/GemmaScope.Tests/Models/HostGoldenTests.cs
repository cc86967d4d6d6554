using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Models;

[Trait("Category", "Golden")]
public class HostGoldenTests
{
    public static TheoryData<string> Folders() => [.. Directory.GetDirectories(Fixtures.Path("host")).Select(f => Path.GetFileName(f)!).Order()];

    [Theory]
    [MemberData(nameof(Folders))]
    public void every_site_logit_generation_and_edit_matches_the_reference(string folder)
    {
        var checks = new HostVerifier().Verify(Fixtures.Path("host", folder), VerifyOptions.Default).ToList();
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }
}

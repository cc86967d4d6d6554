using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests;

public class PublicApiTests
{
    [Fact]
    public void the_public_surface_is_the_approved_one()
    {
        var file = Path.Combine(Fixtures.Repository, "tests", "GemmaScope.Tests", "PublicApi.approved.txt");
        var found = PublicApi.Lines(typeof(Tensor).Assembly).ToArray();
        if (Environment.GetEnvironmentVariable("GEMMASCOPE_APPROVE") == "1")
            File.WriteAllLines(file, found);

        var approved = File.Exists(file) ? File.ReadAllLines(file) : [];
        string[] changes = [.. approved.Except(found).Select(line => "- " + line), .. found.Except(approved).Select(line => "+ " + line)];
        Assert.True(
            changes.Length == 0,
            $"""
            The public API of the library is not the one in tests/GemmaScope.Tests/PublicApi.approved.txt.
            If the change is meant, approve it and commit the file:
                GEMMASCOPE_APPROVE=1 dotnet test tests/GemmaScope.Tests --filter PublicApi
            {string.Join("\n", changes)}
            """
        );
    }
}

using System.Reflection;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests;

public class PublicApiTests
{
    private static readonly Dictionary<string, Assembly> Packages = new()
    {
        ["Core"] = typeof(Tensor).Assembly,
        ["Store"] = typeof(IFeatureDatabase).Assembly,
        ["Workbench"] = typeof(Microscope).Assembly,
        ["Server"] = typeof(ServerHost).Assembly,
    };

    public static TheoryData<string> Names => [.. Packages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void the_public_surface_is_the_approved_one(string package)
    {
        var name = $"PublicApi.{package}.approved.txt";
        var file = Path.Combine(Fixtures.Repository, "tests", "GemmaScope.Tests", name);
        var found = PublicApi.Lines(Packages[package]).ToArray();
        if (Environment.GetEnvironmentVariable("GEMMASCOPE_APPROVE") == "1")
            File.WriteAllLines(file, found);

        var approved = File.Exists(file) ? File.ReadAllLines(file) : [];
        string[] changes = [.. approved.Except(found).Select(line => "- " + line), .. found.Except(approved).Select(line => "+ " + line)];
        Assert.True(
            changes.Length == 0,
            $"""
            The public API of the package is not the one in tests/GemmaScope.Tests/{name}.
            If the change is meant, approve it and commit the file:
                GEMMASCOPE_APPROVE=1 dotnet test tests/GemmaScope.Tests --filter PublicApi
            {string.Join("\n", changes)}
            """
        );
    }
}

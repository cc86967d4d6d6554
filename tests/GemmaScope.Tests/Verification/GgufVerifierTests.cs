using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class GgufVerifierTests
{
    private static readonly GgufVerifier Verifier = new();

    public static TheoryData<string> Folders() =>
        [.. Directory.EnumerateDirectories(Fixtures.Path("gguf")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void what_is_in_a_file_and_what_it_computes_is_what_the_reference_says(string name) => Passes(Fixtures.Path("gguf", name));

    /// <summary>The fixtures that are too large for a clone.</summary>
    [Fact]
    public void the_other_files_beside_the_checkout_too()
    {
        var folder = SharedFixtures("gguf");
        foreach (var name in Directory.EnumerateDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal))
            if (!Directory.Exists(Fixtures.Path("gguf", name!)))
                Passes(Path.Combine(folder, name!));
    }

    [Theory]
    [InlineData("mean_cross_entropy")]
    [InlineData("argmax")]
    [InlineData("config")]
    [InlineData("tensors")]
    public void a_golden_value_that_is_changed_is_noticed(string key)
    {
        using var copy = new GoldenCopy("gguf/gemma2-Q2_K");
        copy.Edit(
            "expected.json",
            golden =>
            {
                var node = golden[key]!;
                switch (key)
                {
                    case "mean_cross_entropy":
                        node[1] = (double)node[1]! + 0.01;
                        break;
                    case "argmax":
                        node[0]![0] = (int)node[0]![0]! + 1;
                        break;
                    case "config":
                        node["sliding_window"] = 9;
                        break;
                    default:
                        node["token_embd.weight"]!["sum"] = 1;
                        break;
                }
            }
        );
        Assert.Contains(Verifier.Verify(copy.Path, VerifyOptions.Default), check => check.Outcome == Outcome.Failed);
    }

    private static void Passes(string folder)
    {
        Assert.True(Verifier.Recognizes(folder));
        Assert.False(new HostVerifier().Recognizes(folder));
        var checks = Verifier.Verify(folder, VerifyOptions.Default).ToArray();
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, $"{folder}: {check}"));
    }

    private static string SharedFixtures(string name)
    {
        for (var folder = new DirectoryInfo(Fixtures.Repository); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "shared", "fixtures", name) is var path && Directory.Exists(path))
                return path;
        Assert.Skip($"shared/fixtures/{name} is not beside the checkout");
        return "";
    }
}

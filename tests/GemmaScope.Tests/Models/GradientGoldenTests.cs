using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Models;

[Trait("Category", "Golden")]
public class GradientGoldenTests
{
    /// <summary>Every folder whose goldens hold gradients.</summary>
    public static TheoryData<string> Folders() =>
        [
            .. Directory
                .GetDirectories(Fixtures.Path("host"))
                .Where(f => Expected(f).Has("gradients"))
                .Select(f => Path.GetFileName(f)!)
                .Order(),
        ];

    [Theory]
    [MemberData(nameof(Folders))]
    public void full_and_frozen_gradients_match_the_reference(string folder)
    {
        var path = Fixtures.Path("host", folder);
        var expected = Expected(path);
        using var golden = SafetensorsFile.Open(Path.Combine(path, "expected.safetensors"));
        using var model = GemmaModel.Load(path);
        var prompt = expected
            .Element.GetProperty("prompts")[expected.Integer("site_prompt") ?? 0]
            .EnumerateArray()
            .Select(id => id.GetInt32())
            .ToArray();

        var checks = HostGradientChecks.Verify(model, prompt, golden, expected).ToList();

        // Five targets; each frozen one has a value and an identity besides its tensors.
        Assert.Equal(golden.Tensors.Keys.Count(IsGradient) + 6, checks.Count);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    private static bool IsGradient(string name) =>
        name != "frozen.probe.vector" && (name.StartsWith("grad.") || name.StartsWith("frozen."));

    private static JsonSection Expected(string folder) => JsonFile.Read(Path.Combine(folder, "expected.json"));
}

using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class DemoVerifierTests
{
    private static readonly DemoVerifier Verifier = new();

    [Fact]
    public void the_main_job_finds_on_the_demo_model_what_the_reference_finds()
    {
        var folder = Fixtures.Path("demo");
        Assert.True(Verifier.Recognizes(folder));
        var checks = Verifier.Verify(folder, VerifyOptions.Default).ToArray();
        Assert.Equal(1 + 9 * Texts(folder), checks.Length);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Theory]
    [InlineData("ids")]
    [InlineData("pieces")]
    [InlineData("top_features")]
    [InlineData("whole_text_top")]
    [InlineData("next_token_top")]
    [InlineData("L0")]
    [InlineData("FVU")]
    [InlineData("tutorial_variance_explained")]
    [InlineData("resid_post_3_norms")]
    public void a_golden_value_that_is_changed_is_noticed(string key)
    {
        using var copy = new GoldenCopy("demo");
        copy.Edit(
            "expected.json",
            golden =>
            {
                var text = golden["texts"]![0]!.DeepClone().AsObject();
                text[key] = Changed(text[key]!);
                golden["texts"] = new JsonArray(text);
            }
        );
        Assert.Equal($"texts.0.{key}", Assert.Single(copy.Failures(Verifier)));
    }

    [Fact]
    public void other_folders_are_not_taken_for_demos() =>
        Assert.All(["dictionaries", "host", "chat"], name => Assert.False(Verifier.Recognizes(Fixtures.Path(name))));

    private static int Texts(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        return json.RootElement.GetProperty("texts").GetArrayLength();
    }

    /// <summary>The first value of a list, however deep, or the value itself, becomes another; of a pair [index, value] the
    /// value.</summary>
    private static JsonNode Changed(JsonNode node)
    {
        var copy = node.DeepClone();
        if (copy is JsonArray list)
        {
            var at = list is [JsonValue, JsonValue] && list[1]!.GetValue<double>() % 1 != 0 ? 1 : 0;
            list[at] = Changed(list[at]!);
            return list;
        }
        if (copy.GetValueKind() == JsonValueKind.String)
            return JsonValue.Create(copy.GetValue<string>() + "x");
        var number = copy.GetValue<double>();
        return JsonValue.Create(number % 1 == 0 ? number + 1 : number * 1.003);
    }
}

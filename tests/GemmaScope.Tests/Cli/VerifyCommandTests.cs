using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class VerifyCommandTests
{
    private static readonly string Host = Fixtures.Path("host", "gemma3-multimodal-v5-prefix");

    [Fact]
    public void a_sound_folder_passes_and_ends_with_the_count()
    {
        var run = CommandLine.Run("verify", Host);
        Assert.Equal(0, run.Code);
        var count = Regex.Match(run.Lines[^1], @"^(\d+) passed, 0 failed, 0 skipped$");
        Assert.True(count.Success, run.Lines[^1]);
        Assert.Equal(run.Lines.Length - 1, int.Parse(count.Groups[1].Value));
        Assert.All(run.Lines[..^1], line => Assert.StartsWith($"passed   {Host}  ", line));
    }

    [Fact]
    public void quiet_prints_only_the_count_of_a_sound_folder() => Assert.Single(CommandLine.Run("verify", Host, "--quiet").Lines);

    [Fact]
    public void json_counts_what_it_lists()
    {
        var json = CommandLine.Run("verify", Host, "--json").Json();
        Assert.Equal(json.GetProperty("passed").GetInt32(), json.GetProperty("checks").GetArrayLength());
        Assert.All(json.GetProperty("checks").EnumerateArray(), check => Assert.Equal("host", check.GetProperty("form").GetString()));
    }

    [Fact]
    public void a_wrong_golden_value_fails_and_is_found_in_a_folder_of_folders() =>
        InCopy(folder =>
        {
            Spoil(Path.Combine(folder, "expected.safetensors"), "logits");
            var run = CommandLine.Run("verify", Path.GetDirectoryName(folder)!);
            Assert.Equal(1, run.Code);
            Assert.Contains(run.Lines, line => line.StartsWith($"FAILED   {folder}  "));
            Assert.Matches(@"^\d+ passed, [1-9]\d* failed, 0 skipped$", run.Lines[^1]);
        });

    [Fact]
    public void a_model_that_cannot_be_read_is_a_failed_check() =>
        InCopy(folder =>
        {
            foreach (var weights in Directory.GetFiles(folder, "model*.safetensors"))
                File.Delete(weights);
            var run = CommandLine.Run("verify", folder, "--quiet");
            Assert.Equal(1, run.Code);
            Assert.StartsWith("FAILED", run.Lines[0]);
            Assert.Equal("0 passed, 1 failed, 0 skipped", run.Lines[^1]);
        });

    [Theory]
    [InlineData("statistics", "max_abs_resid", "9999.5")]
    [InlineData("statistics", "max_abs_attn_score_raw", "9999.5")]
    [InlineData("statistics", "max_abs_logit_raw", "9999.5")]
    [InlineData("generation", "greedy_over_rows", "7")]
    [InlineData(null, "family", "\"gemma9\"")]
    public void a_wrong_summary_of_a_run_fails(string? section, string key, string value) =>
        InCopy(
            Fixtures.Path("host", "gemma2-f16"),
            folder =>
            {
                Replace(Path.Combine(folder, "expected.json"), section, key, value);
                var run = CommandLine.Run("verify", folder, "--quiet");
                Assert.Equal(1, run.Code);
                Assert.Single(run.Lines, line => line.StartsWith("FAILED"));
            }
        );

    [Fact]
    public void golden_values_of_another_form_are_a_failed_check() =>
        InCopy(folder =>
        {
            Replace(Path.Combine(folder, "expected.json"), null, "prompts", "[[\"two\"]]");
            var run = CommandLine.Run("verify", folder, "--quiet");
            Assert.Equal(1, run.Code);
            Assert.Contains("not of the documented form", run.Lines[0]);
            Assert.Equal("0 passed, 1 failed, 0 skipped", run.Lines[^1]);
        });

    [Fact]
    public void a_folder_of_no_known_form_is_refused() => CommandLine.Run("verify", Fixtures.Model("demo-pt")).IsRefused("form", "host");

    [Fact]
    public void a_missing_folder_is_refused() => CommandLine.Run("verify", "no-such-folder").IsRefused("no-such-folder");

    /// <summary>Writes a large number over the first of a tensor.</summary>
    private static void Spoil(string path, string tensor)
    {
        var bytes = File.ReadAllBytes(path);
        var header = (int)BitConverter.ToInt64(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var start = 8 + header + json.RootElement.GetProperty(tensor).GetProperty("data_offsets")[0].GetInt32();
        BitConverter.TryWriteBytes(bytes.AsSpan(start), 1e6f);
        File.WriteAllBytes(path, bytes);
    }

    private static void Replace(string path, string? section, string key, string value)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        (section is null ? json : json[section]!)[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
    }

    private static void InCopy(Action<string> test) => InCopy(Host, test);

    private static void InCopy(string host, Action<string> test)
    {
        using var root = new TemporaryFolder();
        var copy = Directory.CreateDirectory(Path.Combine(root.Path, "broken")).FullName;
        foreach (var file in Directory.GetFiles(host))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        test(copy);
    }
}

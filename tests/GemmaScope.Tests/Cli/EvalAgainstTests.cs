using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Numerics;
using GemmaScope.Tests.Models;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>One model in two forms, as a GGUF file and as published: what `eval --against` and the other commands say.</summary>
public sealed class EvalAgainstTests : IDisposable
{
    private const string Sentence = "The cat sat on the mat. It looked at the dog, and the dog looked back at the cat.";

    private readonly TemporaryFolder _folder = new();

    public EvalAgainstTests() => File.WriteAllText(_folder.File("a.txt"), Sentence);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_same_weights_in_another_file_change_nothing()
    {
        var json = Eval(Copy(DType.BF16), "--json").Json();
        Assert.Equal(0, json.GetProperty("logits").GetProperty("kl").GetDouble());
        Assert.All(json.GetProperty("residuals").EnumerateArray(), at => Assert.Equal(0, at.GetProperty("relative_error").GetDouble()));
        var one = json.GetProperty("dictionaries")[0];
        foreach (var run in (string[])["features", "noise"])
        {
            Assert.Equal(1, one.GetProperty(run).GetProperty("survival").GetDouble());
            Assert.Equal(0, one.GetProperty(run).GetProperty("died").GetInt32());
        }
    }

    [Fact]
    public void a_quantised_form_moves_the_residual_stream_and_flips_features_with_little_margin()
    {
        var json = Eval(Copy(DType.Q4_0), "--json").Json();
        Assert.Equal(["BF16"], json.GetProperty("model_weights").EnumerateArray().Select(type => type.GetString()));
        Assert.Equal(["Q4_0", "F32"], json.GetProperty("against_weights").EnumerateArray().Select(type => type.GetString()));
        Assert.InRange(json.GetProperty("residuals")[5].GetProperty("relative_error").GetDouble(), 0.01, 0.5);
        var one = json.GetProperty("dictionaries")[0];
        Assert.InRange(one.GetProperty("features").GetProperty("survival").GetDouble(), 0.5, 0.99);
        Assert.True(one.GetProperty("features").GetProperty("flips_off").GetDouble() > 0);
        var cells = one.GetProperty("trust").EnumerateArray().SelectMany(row => row.GetProperty("cells").EnumerateArray()).ToArray();
        double Share(double from)
        {
            var there = cells.Where(cell =>
                cell.GetProperty("margin_from").GetDouble() == from && cell.GetProperty("firings").GetInt64() > 0
            );
            return there.Sum(cell => cell.GetProperty("survival").GetDouble() * cell.GetProperty("firings").GetInt64())
                / there.Sum(cell => cell.GetProperty("firings").GetInt64());
        }
        Assert.True(Share(0.1) > Share(0.001), $"{Share(0.1)} against {Share(0.001)}");
        // All firings stand in one cell each, and in one feature each.
        var fired = one.GetProperty("l0").GetDouble() * json.GetProperty("counted_tokens").GetInt64();
        Assert.Equal(fired, cells.Sum(cell => cell.GetProperty("firings").GetInt64()), 1e-6);
        Assert.Equal(
            fired,
            one.GetProperty("each_feature").EnumerateArray().Sum(feature => feature.GetProperty("firings").GetInt64()),
            1e-6
        );
    }

    [Fact]
    public void text_and_page_show_what_changes()
    {
        var page = _folder.File("page.html");
        var found = Eval(Copy(DType.Q8_0), "--html", page);
        Assert.Equal(0, found.Code);
        foreach (var part in (string[])["weights Q8_0", "likeliest token", "relative error", "by noise", "margin >= 1"])
            Assert.Contains(part, found.Out, StringComparison.Ordinal);
        var html = File.ReadAllText(page);
        Assert.DoesNotMatch(new Regex("<script|src=|https?://", RegexOptions.IgnoreCase), html);
        foreach (var title in (string[])["Error of the residual stream", "Survival by margin", "Features that survive least"])
            Assert.Contains(title, html, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
    }

    [Fact]
    public void without_losses_there_are_no_logits() =>
        Assert.Equal("Null", $"{Eval("demo-pt", "--no-losses", "--json").Json().GetProperty("logits").ValueKind}");

    [Fact]
    public void a_model_of_another_shape_or_other_tokens_is_refused_with_both_names()
    {
        var other = Fixtures.Path("gguf", "gemma3-scaled-BF16");
        Eval(other).IsRefused(other, "demo-pt", "not forms of one model");
        var renamed = Copy(DType.BF16, id => id == 300 ? "▁quux" : null);
        Eval(renamed).IsRefused(renamed, "demo-pt", "'▁quux'");
        // What a fine-tuning names for itself was nothing before.
        Assert.Equal(0, Eval(Copy(DType.BF16, id => id == 300 ? "<unused9>" : null), "--no-losses").Code);
    }

    [Theory]
    [InlineData("--also", "bos-too")]
    [InlineData("--db", "x.db")]
    [InlineData("--resume", "x")]
    public void what_belongs_to_splicing_cannot_be_combined(string option, string value) =>
        Eval("demo-it", option, value).IsRefused(option, "cannot be combined with --against");

    [Fact]
    public void a_number_of_features_below_1_is_refused() => Eval("demo-it", "--top", "0").IsRefused("--top");

    [Fact]
    public void an_analysis_of_a_quantised_model_says_so()
    {
        var quantised = CommandLine.Run("analyze", Sentence, "--model", Copy(DType.Q4_0), "--sae", "demo-sae");
        Assert.Contains("is quantised (Q4_0)", quantised.Error, StringComparison.Ordinal);
        Assert.Contains("gemmascope eval", quantised.Error, StringComparison.Ordinal);
        var json = CommandLine.Run("analyze", Sentence, "--model", Copy(DType.Q4_0), "--sae", "demo-sae", "--json").Out;
        Assert.Equal(
            ["Q4_0"],
            JsonDocument.Parse(json).RootElement.GetProperty("quantised").EnumerateArray().Select(type => type.GetString())
        );
        var whole = CommandLine.Run("analyze", Sentence, "--model", Copy(DType.BF16), "--sae", "demo-sae");
        Assert.DoesNotContain("quantised", whole.Error, StringComparison.Ordinal);
    }

    private string Copy(DType type, Func<int, string?>? rename = null)
    {
        var file = _folder.File($"{type}{(rename is null ? "" : $"-{rename(300)![1..3]}")}.gguf");
        if (!File.Exists(file))
            GgufCopy.Write(Fixtures.Model("demo-pt"), file, type, rename);
        return file;
    }

    private CommandLine Eval(string against, params string[] more) =>
        CommandLine.Run(["eval", "--against", against, "--text", _folder.File("a.txt"), .. more]);
}

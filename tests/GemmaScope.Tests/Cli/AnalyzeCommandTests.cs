using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class AnalyzeCommandTests
{
    private static readonly string Dictionary = Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35");

    [Fact]
    public void the_demo_model_and_its_dictionary_are_the_default()
    {
        var run = CommandLine.Run("analyze", "The cat sat");
        Assert.Equal(0, run.Code);
        Assert.Equal("", run.Error);
        Assert.All(
            [
                "mean L0",
                "FVU",
                "variance explained",
                "tutorial's formula",
                "1 left out",
                "exact",
                "their dashboards",
                "http://localhost:5000/demo-pt/",
            ],
            part => Assert.Contains(part, run.Out)
        );
        Assert.Contains(run.Lines, line => Regex.IsMatch(line, @"^ +2  "" cat"" +\d+  \d+ \w+: .+ \(\d+\.\d\d\)"));
        Assert.Contains("most telling features", run.Out);
        Assert.Contains("go on:", run.Out);
    }

    [Fact]
    public void telling_features_come_first_and_those_that_fire_everywhere_are_marked()
    {
        const string text = "The cat sat on the mat and looked at the old man.";
        var telling = CommandLine.Run("analyze", text).Lines;
        var strongest = CommandLine.Run("analyze", text, "--by-activation").Lines;
        // Feature 1166 is the strongest of nearly every text of the demo model.
        Assert.Contains(strongest, line => Regex.IsMatch(line, @"^ +1166 +1\d\d\.\d\d .* \d+ % \* "));
        Assert.DoesNotContain(telling, line => Regex.IsMatch(line, @"^ +1166 +1\d\d\.\d\d "));
        // Programs get one order. What fires in nearly every passage has no score.
        var json = CommandLine.Run("analyze", text, "--json").Json().GetProperty("whole_text_top");
        Assert.Equal(1166, json[0].GetProperty("feature").GetInt32());
        Assert.InRange(json[0].GetProperty("density").GetDouble(), 0.1, 1);
        Assert.InRange(json[1].GetProperty("label_score").GetDouble(), 0.5, 1);
    }

    [Fact]
    public void json_has_the_golden_values()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("demo", "expected.json")));
        var expected = golden.RootElement.GetProperty("texts")[0];
        var json = CommandLine.Run("analyze", expected.GetProperty("text").GetString()!, "--json").Json();

        Assert.Equal(
            expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()),
            json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt32())
        );
        Assert.Equal(
            expected.GetProperty("L0").EnumerateArray().Select(count => count.GetInt32()),
            json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("l0").GetInt32())
        );
        Assert.Equal(expected.GetProperty("FVU").GetDouble(), json.GetProperty("fvu").GetDouble(), 1e-4);
        Assert.Equal(
            expected.GetProperty("tutorial_variance_explained").GetDouble(),
            json.GetProperty("tutorial_variance_explained").GetDouble(),
            1e-4
        );
        var next = json.GetProperty("next_tokens").EnumerateArray().Select(one => one.GetProperty("probability").GetDouble()).ToArray();
        Assert.InRange(next.Sum(), next[0], 1);
        Assert.Equal(next.OrderDescending(), next);
        var top = json.GetProperty("whole_text_top")[0];
        Assert.Equal(expected.GetProperty("whole_text_top")[0][0].GetInt32(), top.GetProperty("feature").GetInt32());
        Assert.Equal([0], json.GetProperty("excluded_positions").EnumerateArray().Select(position => position.GetInt32()));
    }

    [Fact]
    public void one_feature_is_followed_through_the_text()
    {
        var json = CommandLine.Run("analyze", "Global temperatures", "--feature", "756", "--top", "1", "--json").Json();
        var token = json.GetProperty("tokens")[1];
        Assert.Equal(
            token.GetProperty("top_features")[0].GetProperty("activation").GetDouble(),
            token.GetProperty("feature_756").GetDouble()
        );
        Assert.Contains("feature 756", CommandLine.Run("analyze", "Global temperatures", "--feature", "756").Out);
    }

    [Fact]
    public void labels_are_shown_where_a_file_gives_them()
    {
        using var folder = new TemporaryFolder();
        var labels = folder.Write("labels.jsonl", """{"feature": 756, "label": "rare pieces of words"}""");
        Assert.Contains("rare pieces of words", CommandLine.Run("analyze", "Global temperatures", "--labels", labels).Out);
    }

    [Fact]
    public void tokens_are_shaded_blue_on_a_terminal_with_colours()
    {
        var run = CommandLine.Run(["analyze", "Global temperatures"], [], terminal: true, colors: true);
        Assert.Matches(@"\u001b\[[0-9;]*48;2;\d+;\d+;\d+m", run.Out);
        Assert.Contains("─", run.Out);
    }

    [Fact]
    public void a_terminal_without_colours_gets_no_escape_codes_for_them() =>
        Assert.DoesNotMatch(@"\u001b\[[0-9;]*[34]8;", CommandLine.Run(["analyze", "Global temperatures"], [], terminal: true).Out);

    [Fact]
    public void the_page_stands_alone_and_escapes_the_text()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "page.html");
        var run = CommandLine.Run("analyze", "a <script>alert(\"x\")</script> & '\u0007' word", "--html", file);
        Assert.Equal(0, run.Code);
        var page = File.ReadAllText(file);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch(@"(?i)\s(src|on\w+)\s*=|@import|url\(", page);
        Assert.DoesNotContain("<link", page);
        Assert.DoesNotContain('\u0007', page);
        Assert.Contains("&lt;", page);
        Assert.Equal(["page.html"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(1166, "at its row among the strongest", "aria-label=\"shade by feature 1166\" checked>")]
    [InlineData(2, "beside the text", "id=\"shade2\" checked> shaded by feature 2<")]
    public void the_page_begins_with_the_feature_that_was_asked_for(int feature, string where, string choice)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "page.html");
        Assert.Equal(
            0,
            CommandLine.Run("analyze", "Global temperatures", "--feature", $"{feature}", "--html", file, "--by-activation").Code
        );
        var page = File.ReadAllText(file);
        Assert.True(page.Contains(choice, StringComparison.Ordinal), where);
        Assert.Contains($"body:has(#shade{feature}:checked)", page);
        Assert.Equal(1, Regex.Count(page, " checked>"));
    }

    [Fact]
    public void a_dictionary_may_be_named_by_folder_by_file_or_by_its_place_in_the_demo()
    {
        string[] names = [Dictionary, Path.Combine(Dictionary, "params.npz"), "demo-sae/resid_post/layer_3", Fixtures.Model("demo-sae")];
        var outputs = names.Select(name => CommandLine.Run("analyze", "The cat", "--sae", name)).ToArray();
        Assert.All(outputs, run => Assert.Equal(0, run.Code));
        Assert.Single(outputs.Select(run => run.Lines.First(line => line.StartsWith("FVU"))).Distinct());
    }

    [Fact]
    public void a_dictionary_may_be_read_at_another_layer_and_says_so()
    {
        var run = CommandLine.Run("analyze", "The cat", "--layer", "4");
        Assert.Equal(0, run.Code);
        Assert.StartsWith(
            "note: this dictionary belongs to resid_post.3 and is read at resid_post.4\nnote: resid_post/layer_3/width_2k/average_l0_35 does not fit:",
            run.Error
        );
        Assert.Contains("reads resid_post.4", run.Out);
    }

    [Fact]
    public void a_layer_the_model_does_not_have_is_refused() => Refused("resid_post.9").With("--layer", "9");

    [Fact]
    public void a_negative_layer_is_refused() => Refused("--layer", "-1").With("--layer", "-1");

    [Fact]
    public void a_number_that_is_none_is_refused_in_plain_words() => Refused("--top: 'many' is no whole number").With("--top", "many");

    [Fact]
    public void a_dictionary_of_another_model_is_refused_by_name() =>
        Refused("standard", "resid_post.3", "256")
            .With("--sae", Fixtures.Path("dictionaries", "sae_lens", "standard"), "--site", "resid_post.3");

    [Theory]
    [InlineData("", "empty")]
    [InlineData("no-such-text.txt", "does not exist")]
    [InlineData(".", "this is a folder")]
    public void a_file_of_text_that_cannot_be_one_is_refused(string file, string says) =>
        CommandLine.Run("analyze", "--file", file).IsRefused(says);

    [Fact]
    public void what_a_single_token_does_not_have_is_called_undefined()
    {
        var run = CommandLine.Run("analyze", "a", "--no-bos");
        Assert.Equal(0, run.Code);
        Assert.All(["mean L0", "FVU", "variance explained"], name => Assert.Matches($"(?m)^{name} +undefined", run.Out));
    }

    [Fact]
    public void a_text_cannot_turn_the_direction_of_a_line() =>
        Assert.DoesNotContain('\u202E', CommandLine.Run("analyze", "a\u202Eb", "--top-text", "0").Out);

    [Fact]
    public void a_page_without_a_name_is_bad_input() => Assert.Equal(2, CommandLine.Run("analyze", "The cat", "--html", "").Code);

    [Fact]
    public void a_site_that_does_not_exist_is_refused() => Refused("'nonsense'").With("--site", "nonsense", "--layer", "3");

    [Fact]
    public void a_site_without_a_layer_is_that_of_the_dictionarys_layer() =>
        Assert.Equal(0, CommandLine.Run("analyze", "The cat", "--site", "resid_post", "--json").Code);

    [Fact]
    public void a_site_in_another_layer_is_refused() => Refused("not in layer 2").With("--site", "resid_post.3", "--layer", "2");

    [Fact]
    public void a_site_of_another_width_is_refused() => Refused("256", "1024").With("--site", "mlp_up.3");

    [Fact]
    public void a_feature_the_dictionary_does_not_have_is_refused() => Refused("0 to 2047").With("--feature", "2048");

    [Fact]
    public void a_negative_number_of_features_is_refused() => Refused("--top").With("--top", "-1");

    [Fact]
    public void another_model_needs_a_dictionary_of_its_own() => Refused("--sae").With("--model", Fixtures.Model("demo-pt"));

    [Fact]
    public void a_missing_dictionary_is_refused() => Refused("no-such-sae").With("--sae", "no-such-sae");

    [Fact]
    public void a_missing_file_of_labels_is_refused() => Refused("no-such-labels.csv").With("--labels", "no-such-labels.csv");

    [Fact]
    public void a_server_that_is_no_address_is_refused() => Refused("no web address").With("--server", "nowhere");

    [Fact]
    public void a_misspelt_option_is_no_text() => CommandLine.Run("analyze", "--jsn").IsRefused("'--jsn'", "write --");

    [Fact]
    public void a_text_may_begin_with_a_dash_after_two_of_them() =>
        Assert.Contains("\"--\"", CommandLine.Run("analyze", "--", "--jsn").Out);

    [Fact]
    public void an_empty_text_is_refused() => CommandLine.Run("analyze", "").IsRefused("the text is empty");

    [Fact]
    public void a_text_longer_than_the_context_is_refused() =>
        CommandLine.Piped(string.Concat(Enumerable.Repeat("word ", 600)), "analyze", "-").IsRefused("512");

    [Fact]
    public void a_page_that_cannot_be_written_is_refused_by_name()
    {
        var run = CommandLine.Run("analyze", "The cat", "--html", Fixtures.Model("demo-pt"));
        Assert.Equal(2, run.Code);
        Assert.Contains("demo-pt", run.Error);
    }

    [Fact]
    public void the_demo_does_the_whole_job()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "demo.html");
        var run = CommandLine.Run("demo", "--html", file);
        Assert.Equal(0, run.Code);
        Assert.All(["1. ", "2. ", "3. ", "4. "], step => Assert.Contains(run.Lines, line => line.StartsWith(step)));
        Assert.Contains("most likely next tokens", run.Out);
        Assert.True(File.Exists(file));
    }

    private static Refusal Refused(params string[] says) => new(says);

    private sealed record Refusal(string[] Says)
    {
        public void With(params string[] options) => CommandLine.Run(["analyze", "The cat sat", .. options]).IsRefused(Says);
    }
}

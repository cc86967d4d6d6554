using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class ShieldCommandTests : IDisposable
{
    private const string Harmless = "How do I repot a cactus?";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_text_gets_a_verdict_for_each_policy_and_one_for_any()
    {
        var run = CommandLine.Run("shield", Harmless);
        Assert.Equal(0, run.Code);
        Assert.Equal(["policy", "DANGEROUS", "HARASSMENT", "HATE", "SEXUAL", "any"], run.Lines.Select(line => line.Split(' ')[0]));
        Assert.Contains("no guardrail", run.Error);
    }

    [Fact]
    public void json_has_the_logits_and_never_the_text()
    {
        var json = CommandLine
            .Run(
                "shield",
                Harmless,
                "--response",
                "Take it out of the old pot.",
                "--policy",
                "no harassment",
                "--policy",
                "HATE",
                "--hardened",
                "--json"
            )
            .Json();
        Assert.True(json.GetProperty("hardened").GetBoolean());
        var verdict = json.GetProperty("results").EnumerateArray().Single();
        Assert.Equal("response", verdict.GetProperty("judged").GetString());
        Assert.False(verdict.TryGetProperty("id", out _));
        Assert.Equal(
            ["HARASSMENT", "HATE"],
            verdict.GetProperty("policies").EnumerateArray().Select(policy => policy.GetProperty("policy").GetString())
        );
        foreach (var policy in verdict.GetProperty("policies").EnumerateArray())
        {
            var gap = policy.GetProperty("yes_logit").GetDouble() - policy.GetProperty("no_logit").GetDouble();
            Assert.Equal(1 / (1 + Math.Exp(-gap)), policy.GetProperty("probability").GetDouble(), 1e-6);
            Assert.InRange(policy.GetProperty("yes_no_mass").GetDouble(), 0, 1.0001);
        }
        Assert.DoesNotContain("cactus", json.ToString());
    }

    [Fact]
    public void thresholds_decide_and_the_exit_code_tells_on_request()
    {
        Assert.Equal(0, CommandLine.Run("shield", Harmless, "--threshold", "0").Code);
        Assert.Equal(3, CommandLine.Run("shield", Harmless, "--threshold", "0", "--fail-on-violation").Code);
        var some = CommandLine.Run("shield", Harmless, "--threshold", "1", "--threshold", "HATE=0", "--json").Json();
        Assert.Equal(
            [false, false, true, false],
            Policies(some).EnumerateArray().Select(policy => policy.GetProperty("violated").GetBoolean())
        );
    }

    [Fact]
    public void a_rationale_is_sampled_as_the_options_say()
    {
        string[] line = ["shield", Harmless, "--policy", "HATE", "--rationale", "--max-tokens", "5", "--seed", "3", "--json"];
        var rationale = Policies(CommandLine.Run(line).Json())[0].GetProperty("rationale").GetString()!;
        Assert.Matches("^(Yes|No)", rationale);
        Assert.Equal(rationale, Policies(CommandLine.Run(line).Json())[0].GetProperty("rationale").GetString());
    }

    [Fact]
    public void own_policies_come_from_a_file()
    {
        File.WriteAllText(
            _folder.File("own.yaml"),
            "version: '7'\npolicies:\n  - {key: MEDICAL, name: No Medical Advice, text: names doses., threshold: 0.9}\n"
        );
        var policy = Policies(CommandLine.Run("shield", Harmless, "--policies", _folder.File("own.yaml"), "--json").Json())[0];
        Assert.Equal(
            ("MEDICAL", "7", 0.9),
            (
                policy.GetProperty("policy").GetString(),
                policy.GetProperty("version").GetString(),
                policy.GetProperty("threshold").GetDouble()
            )
        );
        CommandLine.Run("shield", Harmless, "--policies", _folder.File("own.yaml"), "--policy", "HATE").IsRefused("MEDICAL");
    }

    [Fact]
    public void a_killed_run_goes_on_after_its_last_whole_line()
    {
        var (input, output) = (_folder.File("in.jsonl"), _folder.File("out.jsonl"));
        File.WriteAllLines(input, Enumerable.Range(0, 40).Select(i => $$"""{"id": "r{{i}}", "text": "Question {{i}}"}"""));
        string[] line = ["shield", "--input", input, "--out", output, "--policy", "HATE"];
        Assert.Equal(0, CommandLine.Run(line).Code);
        var whole = File.ReadAllLines(output);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"r{i}"), whole.Select(Id));

        File.WriteAllText(output, string.Join('\n', whole[..7]) + "\n" + whole[7][..30]);
        Assert.Equal(0, CommandLine.Run(line).Code);
        var resumed = File.ReadAllLines(output);
        Assert.Equal(whole.Select(Id), resumed.Select(Id));
        foreach (var (a, b) in whole.Zip(resumed))
            Assert.Equal(Probability(a), Probability(b), 1e-5);

        Assert.Equal(0, CommandLine.Run(line).Code);
        Assert.Equal(resumed, File.ReadAllLines(output));
        CommandLine.Run([.. line, "--template", "notebook"]).Refuses("another model, template");
    }

    [Fact]
    public void a_row_that_cannot_be_judged_says_why_and_the_others_are_judged()
    {
        var run = CommandLine.Piped(
            $$"""{"prompt": "{{new string('x', 5000)}}"}{{"\n"}}{"prompt": "Hello", "response": "Hi"}{{"\n"}}{"id": "c"}""",
            "shield",
            "--input",
            "-",
            "--policy",
            "HATE"
        );
        Assert.Equal(2, run.Code);
        Assert.Equal(["1", "2", "c"], run.Lines.Select(Id));
        Assert.Contains("more than the model's context", run.Lines[0]);
        Assert.Contains("\"judged\":\"response\"", run.Lines[1]);
        Assert.Contains("has no text", run.Lines[2]);
        Assert.Contains("2 rows could not be judged", run.Error);
    }

    [Fact]
    public void bad_input_is_refused()
    {
        CommandLine.Run("shield", Harmless, "--policy", "fun").IsRefused("known are DANGEROUS");
        CommandLine.Run("shield", Harmless, "--template", "fun").IsRefused("known are card");
        CommandLine.Run("shield", Harmless, "--threshold", "2").IsRefused("neither a probability");
        CommandLine.Run("shield", Harmless, "--out", "x").IsRefused("needs --input");
        CommandLine.Run("shield", Harmless, "--input", "x").IsRefused("give none beside it");
        CommandLine.Run("shield", Harmless, "--template", "card_code", "--response", "r").IsRefused("judges prompts alone");
        CommandLine.Run("shield", new string('x', 5000)).IsRefused("512", "keep-start");
        Assert.Equal(0, CommandLine.Run("shield", new string('x', 5000), "--truncate", "keep-end", "--policy", "HATE").Code);
    }

    [Fact]
    public void an_evaluation_measures_each_policy_and_all_combined()
    {
        var rows = _folder.File("rows.jsonl");
        File.WriteAllLines(
            rows,
            Enumerable
                .Range(0, 24)
                .Select(i =>
                    $$"""{"id": {{i}}, "prompt": "secret-word {{i}}", "harmful": {{(i % 3 == 0 ? "true" : "false")}}, "hateful": {{i % 2}}}"""
                )
        );
        var (page, terms) = (_folder.File("page.html"), _folder.File("terms.txt"));
        File.WriteAllText(terms, "# words\nsecret-word, other-word\n");
        var run = CommandLine.Run("shield", "eval", rows, "--resamples", "20", "--html", page, "--swap", terms, "--json");
        Assert.Equal(0, run.Code);
        using var document = JsonDocument.Parse(run.Out);
        var json = document.RootElement;
        Assert.Equal(
            ["DANGEROUS", "HATE", "combined"],
            json.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString()).Order()
        );
        foreach (var part in json.GetProperty("parts").EnumerateArray())
        foreach (var name in new[] { "auprc", "auroc", "f1_at_half_low", "optimal_f1", "ece", "ece_high" })
            Assert.True(part.TryGetProperty(name, out _), name);
        Assert.Equal(24, json.GetProperty("fairness")[0].GetProperty("texts").GetInt32());
        var html = File.ReadAllText(page);
        Assert.DoesNotMatch(new Regex("<script|src=|https?://|NaN", RegexOptions.IgnoreCase), html);
        Assert.DoesNotContain("secret-word 1", html);
        foreach (var title in new[] { "precision and recall", "ROC", "calibration", "Counterfactual" })
            Assert.Contains(title, html);
        Assert.Contains(
            "optimal F1",
            CommandLine.Run("shield", "eval", rows, "--resamples", "5", "--held-out", "5", "--label-field", "SEXUAL=harmful").Out
        );
        CommandLine.Run("shield", "eval", rows, "--label-field", "SEXUAL").IsRefused("POLICY=FIELD");
        CommandLine.Run("shield", "eval", rows, "--policy", "SEXUAL").Refuses("no row is left");
    }

    [Fact]
    public void an_explanation_shows_what_features_do_directly_and_measured()
    {
        var page = _folder.File("why.html");
        var run = CommandLine.Run("shield", "why", Harmless, "--top", "4", "--remove", "2", "--html", page);
        Assert.Equal(0, run.Code);
        Assert.Contains("2 together", run.Out);
        Assert.Contains("demo-it", run.Error);
        Assert.DoesNotContain("cactus", File.ReadAllText(page));
        using var document = JsonDocument.Parse(
            CommandLine.Run("shield", "why", Harmless, "--policy", "HATE", "--top", "4", "--remove", "2", "--json").Out
        );
        var verdict = document.RootElement.GetProperty("verdicts")[0];
        Assert.Equal("HATE", verdict.GetProperty("policy").GetString());
        var features = verdict.GetProperty("features").EnumerateArray().ToArray();
        Assert.Equal(4, features.Length);
        Assert.Equal(
            [true, true, false, false],
            features.Select(feature => feature.GetProperty("measured").ValueKind == JsonValueKind.Number)
        );
        var parts =
            ((string[])["other_features", "bias", "error", "elsewhere"]).Sum(name => verdict.GetProperty(name).GetDouble())
            + features.Sum(feature => feature.GetProperty("direct").GetDouble());
        Assert.Equal(verdict.GetProperty("raw_gap").GetDouble(), parts, 1e-9);
    }

    [Fact]
    public void the_demo_model_chats() =>
        Assert.Equal(
            0,
            CommandLine.Run("chat", "--model", "demo-it", "--message", "Hello", "--max-tokens", "4", "--temperature", "0").Code
        );

    private static JsonElement Policies(JsonElement answer) => answer.GetProperty("results")[0].GetProperty("policies");

    private static string? Id(string line) => JsonElement.Parse(line).GetProperty("id").GetString();

    private static double Probability(string line) => JsonElement.Parse(line).GetProperty("probability").GetDouble();
}

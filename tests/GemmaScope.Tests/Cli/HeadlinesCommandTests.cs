using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class HeadlinesCommandTests
{
    private const string Two = "Stocks fall <b>sharply</b>\nA cure for flu\n";

    [Fact]
    public void without_a_source_of_topics_all_are_unknown_and_bos_is_no_evidence() =>
        With(
            Two,
            file =>
            {
                var json = CommandLine.Run("headlines", file, "--top", "3", "--json").Json();
                Assert.Equal("demo-pt", json.GetProperty("model").GetString());
                Assert.Equal(2, json.GetProperty("headlines").GetArrayLength());
                foreach (var headline in json.GetProperty("headlines").EnumerateArray())
                {
                    Assert.Equal(System.Text.Json.JsonValueKind.Null, headline.GetProperty("topic").ValueKind);
                    Assert.Equal(3, headline.GetProperty("top_features").GetArrayLength());
                    Assert.All(
                        headline.GetProperty("top_features").EnumerateArray(),
                        feature =>
                            Assert.True(feature.GetProperty("position").GetInt32() > 0 && feature.GetProperty("density").GetDouble() < 1)
                    );
                }
            }
        );

    [Fact]
    public void the_articles_rule_says_that_it_means_nothing() =>
        With(
            Two,
            file =>
            {
                var run = CommandLine.Run("headlines", file, "--categories", "article");
                Assert.Contains("without meaning", run.Out);
                Assert.Matches(@"features (0-999|1000-1999|2000-2999)", run.Out);
            }
        );

    [Fact]
    public void learned_topics_come_with_their_baselines_and_the_page_and_table_are_written() =>
        With(
            Two,
            file =>
            {
                var labelled = Path.ChangeExtension(file, ".jsonl");
                File.WriteAllLines(
                    labelled,
                    Enumerable
                        .Range(0, 30)
                        .Select(i =>
                            i % 2 == 0
                                ? $$"""{"headline": "Shares of company {{i}} rise in trading", "topic": "business"}"""
                                : $$"""{"headline": "Doctors find a cure for illness {{i}}", "topic": "health"}"""
                        )
                );
                var (page, table) = (Path.ChangeExtension(file, ".html"), Path.ChangeExtension(file, ".csv"));
                var run = CommandLine.Run("headlines", file, "--labelled", labelled, "--html", page, "--csv", table);
                Assert.Equal(0, run.Code);
                Assert.All(
                    ["bag of words", "probe on dense activations", "20 features a topic", "held-out"],
                    part => Assert.Contains(part, run.Out)
                );

                var html = File.ReadAllText(page);
                Assert.Contains("Stocks fall &lt;b&gt;sharply&lt;/b&gt;", html);
                Assert.DoesNotContain("<b>sharply", html);
                Assert.DoesNotMatch(new Regex("<script|src=|@import|url\\("), html);
                Assert.All(["Topic × headline", "Features by topic", "default-src 'none'"], part => Assert.Contains(part, html));
                Assert.Equal(3, File.ReadAllLines(table).Length);
            }
        );

    [Fact]
    public void options_that_do_not_fit_together_are_refused() =>
        With(
            Two,
            file =>
            {
                CommandLine.Run("headlines", file, "--categories", "nonsense").IsRefused("nonsense", "article");
                CommandLine.Run("headlines", file, "--held-out", file).IsRefused("--labelled");
                CommandLine.Run("headlines", file, "--labelled", file).IsRefused("topic");
                CommandLine.Run("headlines", "no-such-file").IsRefused("no-such-file");
            }
        );

    private static void With(string contents, Action<string> test)
    {
        using var folder = new TemporaryFolder();
        test(folder.Write("headlines.txt", contents));
    }
}

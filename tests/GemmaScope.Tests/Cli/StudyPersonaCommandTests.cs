using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>The commands of studies of persona and hidden knowledge.</summary>
public class StudyPersonaCommandTests
{
    [Theory]
    [InlineData("persona", "--strengths", "one", "'one' is no number")]
    [InlineData("persona", "--cap-quantile", "1", "--cap-quantile: is a share of tokens")]
    [InlineData("persona", "--test", "1", "--test: must be at least 2")]
    [InlineData("hidden", "--top", "0", "--top: must be at least 1")]
    [InlineData("hidden", "--plant-strength", "0", "--plant-strength: must be above 0")]
    public void options_are_checked_before_a_model_is_loaded(string study, string option, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run("study", study, "--out", folder.File("out"), option, value);
        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void a_small_study_of_hidden_knowledge_prints_its_readouts_and_what_it_does_not_show()
    {
        using var folder = new TemporaryFolder();
        var words = folder.Write("words.txt", "river\nhorse\nwinter\nmusic\ngold\nking\n");
        var run = CommandLine.Run("study", "hidden", "--words", words, "--max-tokens", "2", "--tokens", "256", "--out", folder.File("out"));
        Assert.Equal(0, run.Code);
        Assert.Contains("logit lens", run.Out);
        Assert.Contains("not shown", run.Out);
        Assert.Contains("report.html", run.Error);
    }
}

using GemmaScope.Cli.Output;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class TextBatchesTests : IDisposable
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void batches_behind_those_that_are_done_are_the_rest()
    {
        var text = Text(string.Join(' ', Enumerable.Range(0, 200).Select(i => $"word {i}")));
        var all = text.Read(Tokenizer).ToArray();
        Assert.True(all.Length > 3);
        var done = all[0].Rows + all[1].Rows;
        Assert.Equal(
            all.Skip(2).SelectMany(batch => batch.Sequences).SelectMany(ids => ids),
            text.Read(Tokenizer, done).SelectMany(batch => batch.Sequences).SelectMany(ids => ids)
        );
    }

    [Fact]
    public void no_more_tokens_are_read_than_wanted_and_the_progress_counts_them()
    {
        var reports = new List<JobReport>();
        var text = Text(string.Join(' ', Enumerable.Range(0, 200).Select(i => $"word {i}"))) with { Tokens = 50 };
        var batches = text.Read(Tokenizer, 0, new DirectProgress<JobReport>(reports.Add)).ToArray();
        Assert.Equal(50, batches.Sum(batch => batch.Rows));
        Assert.Equal(
            [new("", 32, 50, "tokens"), new("", 48, 50, "tokens"), new("", 50, 50, "tokens")],
            reports.OfType<JobStage>().Select(stage => new JobStage(stage.Name, stage.Done, stage.Total, stage.Unit))
        );
    }

    [Fact]
    public void what_cannot_be_is_found_out_before_anything_is_read()
    {
        var text = Text("a");
        Refuses(text with { Batch = 0 }, "Batch");
        Refuses(text with { Tokens = 1 }, "Tokens");
        Refuses(text with { Window = 1 }, "Window");
        Assert.Throws<FileFormatException>(() => (text with { Text = ["no-such-file"] }).Check());
        text.Check();
    }

    [Fact]
    public void a_text_without_words_says_so() =>
        Assert.Equal("Text", Assert.Throws<ArgumentProblemException>(() => Text("").Read(Tokenizer).ToArray()).Setting?.Name);

    private static void Refuses(TextBatches text, string setting) =>
        Assert.Equal(setting, Assert.Throws<ArgumentProblemException>(text.Check).Setting?.Name);

    private TextBatches Text(string text)
    {
        File.WriteAllText(_folder.File("text.txt"), text);
        return new()
        {
            Text = [_folder.File("text.txt")],
            Window = 16,
            Batch = 2,
        };
    }
}

using GemmaScope.Cli;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class ApplicationTests
{
    [Fact]
    public void without_arguments_the_help_names_every_command()
    {
        var run = CommandLine.Run();
        Assert.Equal(0, run.Code);
        Assert.All(Commands, command => Assert.Matches($@"(?m)^  {command}\b", run.Out));
    }

    [Fact]
    public void every_command_explains_itself_with_examples() =>
        Assert.All(
            Commands,
            command =>
            {
                var help = CommandLine.Run(command, "--help");
                Assert.Equal(0, help.Code);
                Assert.Contains($"Examples:\n  gemmascope {command}", help.Out);
            }
        );

    [Fact]
    public void examples_are_accepted_by_their_own_command() =>
        Assert.All(
            Commands,
            command =>
            {
                var help = CommandLine.Run(command, "--help").Lines;
                var examples = help.SkipWhile(line => line != "Examples:").Skip(1).ToArray();
                Assert.NotEmpty(examples);
                Assert.All(examples, example => Assert.Empty(CommandLine.Problems(example)));
            }
        );

    [Fact]
    public void every_command_has_a_section_in_the_manual()
    {
        var manual = File.ReadAllText(Path.Combine(Fixtures.Repository, "docs", "cli.md"));
        Assert.All(Commands, command => Assert.Contains($"\n## {command}\n", manual));
    }

    [Fact]
    public void the_version_is_a_number() => Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", CommandLine.Run("--version").Out);

    [Theory]
    [InlineData("no such command", "analyse")]
    [InlineData("no such option", "info", "--nonsense")]
    [InlineData("a value out of its range", "info", "--kernels", "magic")]
    [InlineData("a word where a number belongs", "generate", "x", "--max-tokens", "many")]
    [InlineData("a text without quotes", "tokenize", "The", "cat")]
    [InlineData("nothing to inspect", "inspect")]
    public void a_command_line_that_cannot_be_read_is_one_line_with_a_hint(string what, params string[] arguments)
    {
        Assert.NotEmpty(what);
        CommandLine.Run(arguments).IsRefused("--help");
    }

    [Theory]
    [InlineData("analyse", "did you mean 'analyze'?")]
    [InlineData("analyze hi --tpo 3", "did you mean '--top'?")]
    [InlineData("analyze hi --sae_id layer_20/width_16k/canonical", "are one name here: --sae RELEASE/ID")]
    [InlineData("analyze hi --device=cuda", "models run on the CPU")]
    [InlineData("features shwo x 1", "did you mean 'show'?")]
    [InlineData("analyze hi --model demo-ptt", "did you mean 'demo-pt'?")]
    [InlineData("analyze hi --model gemma-2-2b", "did you mean 'google/gemma-2-2b'?")]
    public void a_mistyped_word_is_answered_with_the_nearest(string words, string says) =>
        CommandLine.Run(words.Split(' ')).IsRefused(says);

    [Fact]
    public void help_shows_every_command_in_a_group_and_helps_with_one()
    {
        var overview = CommandLine.Run("help");
        Assert.Equal(overview.Out, CommandLine.Run("--help").Out);
        Assert.All(Application.Commands(), command => Assert.Contains($"\n  {command.Name} ", overview.Out));
        Assert.Equal(CommandLine.Run("analyze", "--help").Out, CommandLine.Run("help", "analyze").Out);
    }

    [Fact]
    public void an_interruption_ends_with_130_and_a_short_note()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var run = CommandLine.Run(["generate", "The cat"], [], cancellationToken: source.Token);
        Assert.Equal(130, run.Code);
        Assert.EndsWith("interrupted\n", run.Error);
    }

    [Fact]
    public void waiting_for_a_text_can_be_interrupted()
    {
        using var source = new CancellationTokenSource();
        using StringWriter output = new(),
            error = new();
        using var input = new SilentStream(source.Cancel);
        Assert.Equal(130, Application.Run(["tokenize", "-"], new Terminal(input, output, error), source.Token));
    }

    [Fact]
    public void verbose_shows_where_an_error_came_from()
    {
        var run = CommandLine.Run("generate", "x", "--model", "nosuch", "--verbose");
        Assert.Equal(2, run.Code);
        Assert.Contains("   at GemmaScope", run.Error);
    }

    /// <summary>An input on which nothing comes until the test is over.</summary>
    private sealed class SilentStream(Action isRead) : MemoryStream
    {
        private readonly ManualResetEventSlim _over = new();

        public override int Read(Span<byte> buffer)
        {
            isRead();
            _over.Wait(TestContext.Current.CancellationToken);
            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            _over.Set();
            base.Dispose(disposing);
        }
    }

    private static string[] Commands { get; } = [.. Application.Commands().Select(command => command.Name)];

    [Theory]
    [InlineData("analyze", "The cat", "--html")]
    [InlineData("demo", "--html")]
    [InlineData("eval", "--text", "none.txt", "--html")]
    public void a_page_onto_a_folder_is_refused_before_anything_is_printed(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        CommandLine.Run([.. arguments, folder.Path]).IsRefused("--html", "is a folder");
    }

    [Fact]
    public void a_dictionary_is_not_taken_for_a_model() =>
        CommandLine.Run("sites", "demo-sae").IsRefused("demo-sae", "is a dictionary, and a model is needed");
}

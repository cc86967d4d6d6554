using System.Diagnostics;
using GemmaScope.Cli;
using GemmaScope.Cli.Commands;
using GemmaScope.Cli.Completion;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>What the Tab key offers, and that the shells' scripts do offer it.</summary>
public class CompletionTests
{
    [Theory]
    [InlineData("gemmascope anal", "analyze")]
    [InlineData("gemmascope help anal", "analyze")]
    [InlineData("gemmascope features b", "build")]
    [InlineData("/somewhere/else/gemmascope an", "analyze")]
    [InlineData("gemmascope analyze --ht", "--html")]
    [InlineData("gemmascope analyze \"The cat sat\" --ht", "--html")]
    [InlineData("gemmascope analyze \"The cat sat\" --kern", "--kernels")]
    [InlineData("gemmascope analyze --kernels m", "managed")]
    [InlineData("gemmascope analyze --kernels=m", "--kernels=managed")]
    [InlineData("gemmascope analyze --model demo-i", "demo-it")]
    [InlineData("gemmascope analyze -m google/gemma-2-2", "google/gemma-2-27b", "google/gemma-2-2b")]
    [InlineData("gemmascope serve --model google/shieldgemma-2b --sae demo-sa", "demo-sae")]
    [InlineData("gemmascope serve --model google/shieldgemma-2", "google/shieldgemma-27b", "google/shieldgemma-2b")]
    [InlineData("gemmascope analyze --sae google/gemma-scope-2b-pt-r", "google/gemma-scope-2b-pt-res/")]
    [InlineData(
        "gemmascope analyze --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_7",
        "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71"
    )]
    [InlineData("gemmascope dictionaries download google/gemma-scope-2b-pt-r", "google/gemma-scope-2b-pt-res/")]
    [InlineData("gemmascope dictionaries list --kind SkipT", "SkipTranscoder")]
    [InlineData("gemmascope info demo-", "demo-it", "demo-pt")]
    [InlineData("gemmascope features build --text demo-h", "demo-held-out")]
    [InlineData("gemmascope shield x --policy HA", "HARASSMENT", "HATE")]
    [InlineData("gemmascope shield x --template not", "notebook")]
    [InlineData("gemmascope steer x --mode cl", "clamp")]
    [InlineData("gemmascope steer x --positions ", "all", "last", "new")]
    [InlineData("gemmascope convert demo-sae out --to scope", "Scope1", "Scope2")]
    [InlineData("gemmascope completion z", "zsh")]
    public void a_line_goes_on_with(string line, params string[] words) =>
        Assert.Equal(words, Complete(line).Words.Select(one => one.Word).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("gemmascope analyze --html ", true)]
    [InlineData("gemmascope analyze --file st", true)]
    [InlineData("gemmascope analyze --sae models/", true)]
    [InlineData("gemmascope verify ", true)]
    [InlineData("gemmascope convert demo-sae ", true)]
    [InlineData("gemmascope analyze ", false)]
    [InlineData("gemmascope analyze --top ", false)]
    [InlineData("gemmascope analyze --kernels ", false)]
    [InlineData("gemmascope completion ", false)]
    [InlineData("gemmascope ", false)]
    [InlineData("gemmascope nonsense ", false)]
    [InlineData("", false)]
    public void names_of_files_are_left_to_the_shell_where_they_may_stand(string line, bool files) =>
        Assert.Equal(files, Complete(line).Files);

    [Fact]
    public void every_command_is_offered_with_what_it_does_and_none_that_is_hidden()
    {
        var offered = Complete("gemmascope ").Words;
        Assert.Equal(Application.Commands().Select(command => command.Name), offered.Select(one => one.Word));
        Assert.All(offered, one => Assert.InRange(one.Help!.Length, 10, 80));
        Assert.DoesNotContain(Complete("gemmascope completion bash -").Words, one => one.Word == "--line");
    }

    [Fact]
    public void an_option_is_offered_once_unless_it_may_be_repeated()
    {
        var words = Complete("gemmascope serve --port 80 --sae demo-sae --").Words.Select(one => one.Word).ToArray();
        Assert.DoesNotContain("--port", words);
        Assert.Contains("--sae", words);
    }

    [Theory]
    [InlineData("bash", "gemmascope analyze --ht", "--html")]
    [InlineData("bash", "gemmascope analyze --kernels=m", "managed")]
    [InlineData("bash", "gemmascope info demo-p", "demo-pt")]
    public async Task bash_completes_what_is_typed(string shell, string line, string completed)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("needs bash");
        using var folder = new TemporaryFolder();
        var script = folder.Write("completion", CommandLine.Run("completion", shell).Out);
        // What readline does: it names the command and the word as it breaks it, and asks.
        var typed = line.Split(' ', '=')[^1];
        var program =
            $"gemmascope() {{ dotnet '{typeof(Application).Assembly.Location}' \"$@\"; }}; . '{script}'; "
            + $"COMP_LINE='{line}' COMP_POINT={line.Length}; _gemmascope gemmascope '{typed}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
        using var process = Process.Start(
            new ProcessStartInfo("bash", ["-c", program]) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        Assert.Equal(completed, (await process.StandardOutput.ReadToEndAsync()).Trim());
        Assert.Equal("", await errors);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public void every_shell_has_a_script_that_asks_the_command(string shell)
    {
        var script = CommandLine.Run("completion", shell).Out;
        Assert.Contains($"completion {shell} --line", script);
        Assert.Equal(CompletionCommand.Script(shell), script);
    }

    [Fact]
    public void another_shell_is_refused_by_name() =>
        CommandLine.Run("completion", "tcsh").IsRefused("tcsh", "bash", "zsh", "fish", "powershell");

    private static Suggestions Complete(string line)
    {
        var session = new Session(new Terminal(Stream.Null, TextWriter.Null, TextWriter.Null), default);
        return new LineCompleter(Application.Root(new GlobalOptions(), session, Application.Commands())).Complete(line);
    }
}

using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class DownloadDisplayTests
{
    [Fact]
    public void a_pipe_gets_a_line_for_each_file_that_is_complete() =>
        Assert.Equal(
            """
            downloaded config.json (100 bytes; 1 of 2 files)
            downloaded model.safetensors (3.0 KiB; 2 of 2 files)

            """,
            Messages(
                terminal: false,
                new("config.json", 50, 100, 50, 3172, 0, 2),
                new("config.json", 100, 100, 100, 3172, 1, 2),
                new("model.safetensors", 3072, 3072, 3172, 3172, 2, 2)
            )
        );

    [Fact]
    public void a_terminal_gets_a_bar_with_the_file_and_the_size() =>
        Assert.Matches(
            @"(?s)model\.safetensors \(1 of 2 files\).*━.*KiB",
            Messages(terminal: true, new HubProgress("model.safetensors", 3072, 3072, 3172, 3172, 1, 2))
        );

    [Fact]
    public void nothing_is_shown_where_nothing_is_downloaded() => Assert.Equal("", Messages(terminal: false));

    private static string Messages(bool terminal, params HubProgress[] reports)
    {
        using var messages = new StringWriter { NewLine = "\n" };
        var path = DownloadDisplay.Run(
            new Terminal(Stream.Null, TextWriter.Null, messages) { ErrorIsTerminal = terminal, Width = 120 },
            progress =>
            {
                foreach (var report in reports)
                    progress.Report(report);
                return new ResolvedPath("here", PathSource.Download);
            }
        );
        Assert.Equal("here", path.Path);
        return messages.ToString();
    }
}

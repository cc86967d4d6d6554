using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class ProgressDisplayTests
{
    private readonly StandingClock _clock = new();

    [Fact]
    public void a_pipe_gets_a_line_for_each_file_that_is_complete() =>
        Assert.Equal(
            """
            note: downloaded config.json (100 bytes; 1 of 2 files)
            note: downloaded model.safetensors (3,072 bytes; 2 of 2 files)

            """,
            Messages(
                terminal: false,
                Downloads(
                    new("config.json", 50, 100, 50, 3172, 0, 2),
                    new("config.json", 100, 100, 100, 3172, 1, 2),
                    new("model.safetensors", 3072, 3072, 3172, 3172, 2, 2)
                )
            )
        );

    [Fact]
    public void a_terminal_gets_a_line_with_the_file_and_the_size() =>
        Assert.Contains(
            "model.safetensors (0 of 2 files): 1.0 KiB of 3.1 KiB",
            Messages(terminal: true, Downloads(new HubProgress("model.safetensors", 1024, 3072, 1024, 3172, 0, 2)))
        );

    [Fact]
    public void nothing_is_shown_where_nothing_is_done() => Assert.Equal("", Messages(terminal: false, _ => { }));

    [Fact]
    public void a_pipe_gets_a_rate_and_the_time_left_when_ten_seconds_have_gone_by() =>
        Assert.Equal(
            "600 of at most 1,000 texts, 25 a second, 16 s left\n",
            Messages(
                terminal: false,
                progress =>
                {
                    var stage = new JobStage("", 100, 1000, "texts", Before: 100);
                    progress.Report(stage);
                    _clock.Seconds = 9;
                    progress.Report(stage with { Done = 400 });
                    _clock.Seconds = 20;
                    progress.Report(stage with { Done = 600 });
                }
            )
        );

    private static Action<IProgress<JobReport>> Downloads(params HubProgress[] reports) =>
        progress =>
        {
            var download = new DownloadReports(progress);
            foreach (var report in reports)
                download.Report(report);
        };

    private string Messages(bool terminal, Action<IProgress<JobReport>> job)
    {
        using var messages = new StringWriter { NewLine = "\n" };
        using (
            var display = new ProgressDisplay(
                new Terminal(Stream.Null, TextWriter.Null, messages)
                {
                    ErrorIsTerminal = terminal,
                    Width = 120,
                    Clock = _clock,
                }
            )
        )
            job(display);
        return messages.ToString();
    }

    private sealed class StandingClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * TimestampFrequency);
    }
}

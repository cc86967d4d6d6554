using GemmaScope.Cli;
using GemmaScope.Cli.Training;
using GemmaScope.Models;
using GemmaScope.Training;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class TrainingDisplayTests
{
    [Fact]
    public void a_pipe_gets_a_line_now_and_then_and_one_at_the_end() =>
        Assert.Equal(
            [
                "step 1 of 30: FVU 0.500, L0 4.0, dead 0.0%, 100 tokens a second (loading 0%), 29 s left",
                "step 12 of 30: FVU 0.500, L0 4.0, dead 0.0%, 100 tokens a second (loading 0%), 18 s left",
                "step 23 of 30: FVU 0.500, L0 4.0, dead 0.0%, 100 tokens a second (loading 0%), 7 s left",
                "step 30 of 30: FVU 0.500, L0 4.0, dead 0.0%, 100 tokens a second (loading 0%), 0 s left",
                "note: done",
            ],
            Messages(terminal: false, secondsBetween: 0.95, steps: 30)
        );

    [Fact]
    public void a_terminal_gets_a_table_for_each_run()
    {
        var messages = string.Join('\n', Messages(terminal: true, secondsBetween: 1, steps: 3));
        Assert.Contains("step 3 of 3", messages);
        Assert.Contains("resid_post.1 · 8", messages);
        Assert.EndsWith("note: done", messages);
    }

    private static string[] Messages(bool terminal, double secondsBetween, int steps)
    {
        using var messages = new StringWriter { NewLine = "\n" };
        var clock = new SteppingClock();
        var place = new Terminal(Stream.Null, TextWriter.Null, messages)
        {
            ErrorIsTerminal = terminal,
            Width = 120,
            Clock = clock,
        };
        using (var display = new TrainingDisplay(place))
        {
            display.Report(new JobStage("training"));
            for (var step = 1; step <= steps; step++)
            {
                display.Report(Report(step, steps));
                clock.Now += TimeSpan.FromSeconds(secondsBetween);
            }
            display.Report(new JobNote("done"));
        }
        return messages.ToString().TrimEnd('\n').Split('\n');
    }

    private static TrainingReport Report(long step, long steps) =>
        new(
            new TrainingProgress(step, steps, 100 * step, 100, 0),
            [
                new(
                    new TrainingConfiguration { Sites = [Site.ResidPost(1)], Width = 8 },
                    new StepReport
                    {
                        Step = step - 1,
                        Total = 1,
                        Mse = 1,
                        Sparsity = 0,
                        L0 = 4,
                        Lambda = 0,
                        LearningRate = 0,
                        Fvu = 0.5,
                        DeadShare = 0,
                        Parts = new Dictionary<string, double>(),
                    },
                    null
                ),
            ]
        );

    private sealed class SteppingClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}

using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>The run folder of a study.</summary>
public sealed class StudyFolderTests
{
    private static readonly StudyManifest Manifest = new(
        "test",
        "a model",
        new Dictionary<string, string>(),
        new Dictionary<string, string>()
    );

    [Fact]
    public void a_study_stops_between_parts_when_its_time_is_spent_and_goes_on()
    {
        using var place = new TemporaryFolder();
        var clock = new FakeClock();
        for (var run = 0; run < 2; run++)
        {
            using var folder = StudyFolder.Open(place.Path, Manifest, restart: false, TimeSpan.FromMinutes(1), clock);
            for (var part = 0; part <= run; part++)
                Assert.Equal(part, folder.Part($"{part}", () => Slow(part)));
            var paused = Assert.Throws<StudyPausedException>(() => folder.Part($"{run + 1}", () => Slow(run + 1)));
            Assert.Contains($"{run + 1} parts", paused.Message);
        }
        using var whole = StudyFolder.Open(place.Path, Manifest, restart: false);
        Assert.Equal(2, whole.Before);

        int Slow(int value)
        {
            clock.Now += TimeSpan.FromMinutes(2).Ticks;
            return value;
        }
    }

    private sealed class FakeClock : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}

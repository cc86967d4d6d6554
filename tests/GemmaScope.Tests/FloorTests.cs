using System.Reflection;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Tests.ApiSamples;
using GemmaScope.Verification;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests
{
    /// <summary>The floors of the house, one assembly each: which stand on which, and the rules that hold on all of them.</summary>
    public class FloorTests
    {
        private const string TestProgram = "GemmaScope.Tests",
            Measurements = "GemmaScope.Bench";

        private static readonly Assembly Core = typeof(Tensor).Assembly,
            Store = typeof(IFeatureDatabase).Assembly,
            Jobs = typeof(JobReport).Assembly,
            Server = typeof(ServerHost).Assembly,
            Checks = typeof(VerificationRunner).Assembly,
            Command = typeof(global::GemmaScope.Cli.Application).Assembly;

        private static readonly string[] Consoles = ["System.Console", "Spectre.Console", "System.CommandLine"],
            Servers = ["Microsoft.AspNetCore"],
            Databases = ["Microsoft.Data.Sqlite", "SQLitePCLRaw", "Npgsql"];

        private static readonly Assembly[] Shipped = [Core, Store, Jobs, Server, Checks, Command];

        [Fact]
        public void the_library_knows_no_other_floor_no_console_no_server_and_no_database() =>
            None(ApiRules.References(Core, [], [.. Consoles, .. Servers, .. Databases]));

        [Fact]
        public void the_store_stands_on_the_library() => None(ApiRules.References(Store, ["GemmaScope.Core"], [.. Consoles, .. Servers]));

        [Fact]
        public void the_workbench_stands_on_library_and_store() =>
            None(ApiRules.References(Jobs, ["GemmaScope.Core", "GemmaScope.Store"], [.. Consoles, .. Servers]));

        [Fact]
        public void the_server_stands_on_the_workbench_and_has_no_console() =>
            None(ApiRules.References(Server, ["GemmaScope.Core", "GemmaScope.Store", "GemmaScope.Workbench"], Consoles));

        [Fact]
        public void the_checks_of_fixtures_stand_on_the_library() =>
            None(ApiRules.References(Checks, ["GemmaScope.Core"], [.. Consoles, .. Servers, .. Databases]));

        [Fact]
        public void the_command_does_not_carry_the_measurements() =>
            None(
                ApiRules.References(
                    Command,
                    ["GemmaScope.Core", "GemmaScope.Store", "GemmaScope.Workbench", "GemmaScope.Server", "GemmaScope.Verification"]
                )
            );

        [Fact]
        public void a_reference_to_another_floor_or_to_a_console_is_noticed()
        {
            Assert.Contains("gemmascope uses GemmaScope.Workbench", ApiRules.References(Command, ["GemmaScope.Core"]));
            Assert.Contains("gemmascope uses System.CommandLine", ApiRules.References(Command, [], Consoles));
        }

        [Fact]
        public void no_floor_looks_into_another() =>
            None(
                Shipped
                    .Where(floor => floor != Core)
                    .SelectMany(floor => ApiRules.Friends(floor, TestProgram, Measurements))
                    // It recomputes what lies inside.
                    .Concat(ApiRules.Friends(Core, TestProgram, Measurements, "GemmaScope.Verification"))
            );

        [Fact]
        public void a_look_into_another_floor_is_noticed() => Assert.Equal(3, ApiRules.Friends(Core).Count());

        [Fact]
        public void only_the_command_speaks_of_its_options() =>
            None(((Assembly[])[Core, Store, Jobs, Server, Checks]).SelectMany(ApiRules.CommandWords));

        [Fact]
        public void an_option_in_a_text_is_noticed_and_a_variable_of_css_is_none()
        {
            var found = ApiRules.CommandWords(typeof(FloorTests).Assembly).ToArray();
            Assert.All(WithOptions.Texts, text => Assert.Contains($"{TestProgram}: {text}", found));
            Assert.All(WithOptions.Others, text => Assert.DoesNotContain($"{TestProgram}: {text}", found));
            Assert.All(WithOptions.Others, text => Assert.Contains(text, ApiRules.Literals(typeof(FloorTests).Assembly)));
        }

        [Fact]
        public void nobody_decides_by_where_an_error_is() =>
            None(
                Directory
                    .EnumerateFiles(Path.Combine(Fixtures.Repository, "src"), "*.cs", SearchOption.AllDirectories)
                    .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
                    .SelectMany(file => ApiRules.BranchesOnLocation(File.ReadLines(file)).Select(line => $"{file}: {line.Trim()}"))
            );

        [Fact]
        public void a_decision_by_where_an_error_is_is_noticed()
        {
            string[] bad =
            [
                "when (problem.Location == \"text\")",
                "if (problem.Location is \"chat\")",
                "catch (Problem { Location: \"chat\" })",
                "problem.Location switch",
            ];
            Assert.Equal(bad, ApiRules.BranchesOnLocation([.. bad, "problem.Location is { } place ? place : null", "Location = location"]));
        }

        /// <summary>Tests that may look at a watch, and why.</summary>
        private static readonly Dictionary<string, string> Waiters = new()
        {
            ["Patience.cs"] = "it is what the others wait by",
            ["SampleTests.cs"] = "a program that hangs is ended after the limit",
            ["ApiRules.cs"] = "it names what is looked for",
            ["FloorTests.cs"] = "it tries the rule itself",
        };

        [Fact]
        public void no_test_depends_on_how_quick_a_machine_is() =>
            None(
                Directory
                    .EnumerateFiles(Path.Combine(Fixtures.Repository, "tests"), "*.cs", SearchOption.AllDirectories)
                    .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
                    .Where(file => !Waiters.ContainsKey(Path.GetFileName(file)))
                    .SelectMany(file => ApiRules.Waits(File.ReadLines(file)).Select(line => $"{file}: {line.Trim()}"))
            );

        [Fact]
        public void a_test_that_waits_for_a_time_is_noticed()
        {
            string[] bad =
            [
                "await Task.Delay(50);",
                "Thread.Sleep(5);",
                "var watch = Stopwatch.StartNew();",
                "SpinWait.SpinUntil(() => true, Long);",
                "source.CancelAfter(100);",
                "new CancellationTokenSource(TimeSpan.FromSeconds(1));",
                "await page.WaitForTimeoutAsync(600);",
                "[Fact(Timeout = 1000)]",
            ];
            Assert.Equal(bad, ApiRules.Waits([.. bad, "Patience.Until(() => true, \"it\");", "[Fact]", "Timeout = Patience.Limit"]));
        }

        [Fact]
        public void what_is_awaited_ends_in_Async() => None(ApiRules.AwaitableNames(Shipped.SelectMany(floor => floor.GetTypes())));

        [Fact]
        public void every_token_is_called_cancellationToken() => None(ApiRules.TokenNames(Shipped.SelectMany(floor => floor.GetTypes())));

        [Fact]
        public void another_name_of_a_method_or_token_is_noticed()
        {
            Assert.Equal(
                ["Task", "ValueTask", "Lines"],
                ApiRules.AwaitableNames([typeof(Misnamed)]).Select(line => line.Split(' ')[0].Split('.')[^1])
            );
            Assert.Contains(".Task calls its token token", Assert.Single(ApiRules.TokenNames([typeof(Misnamed)])));
        }

        [Fact]
        public void no_two_public_types_share_a_name() => None(ApiRules.SharedNames(Shipped.SelectMany(floor => floor.GetExportedTypes())));

        [Fact]
        public void a_shared_name_is_noticed() =>
            Assert.Equal(
                "GemmaScope.Tests.ApiSamples.Misnamed and GemmaScope.Tests.ApiSamples.More.Misnamed",
                Assert.Single(ApiRules.SharedNames([typeof(Misnamed), typeof(ApiSamples.More.Misnamed), typeof(GoodJob)]))
            );

        [Fact]
        public void every_job_has_the_form_of_jobs()
        {
            Assert.Contains(typeof(AnalyzeJob), Jobs.GetExportedTypes());
            None(ApiRules.Jobs(Jobs.GetExportedTypes()));
        }

        [Fact]
        public void a_job_of_another_form_is_noticed()
        {
            Assert.Empty(ApiRules.Jobs([typeof(GoodJob)]));
            Assert.Contains("has no RunAsync", Assert.Single(ApiRules.Jobs([typeof(IdleJob)])));
            Assert.Contains("does not end with", Assert.Single(ApiRules.Jobs([typeof(MuteJob)])));
            Assert.Contains("takes no sealed record", Assert.Single(ApiRules.Jobs([typeof(LooseJob)])));
        }

        /// <summary>Fails with all lines, where there are any.</summary>
        private static void None(IEnumerable<string> lines) => Assert.Equal("", string.Join('\n', lines.Order(StringComparer.Ordinal)));
    }
}

// What the rules are tried on.
namespace GemmaScope.Tests.ApiSamples
{
    internal static class WithOptions
    {
        public static readonly string[] Texts = ["begin anew with --restart", "--site is missing", "give it a name (--name)", "('--type')"];
        public static readonly string[] Others = ["color: var(--accent)", "a dash -- and a word", "x--y"];
    }

    public class Misnamed
    {
        public static Task Task(CancellationToken token) => System.Threading.Tasks.Task.Delay(0, token);

        public static ValueTask<int> ValueTask() => System.Threading.Tasks.ValueTask.FromResult(1);

        public static IAsyncEnumerable<string> Lines() => AsyncEnumerable.Empty<string>();

        public static Task WellAsync(CancellationToken cancellationToken) => System.Threading.Tasks.Task.Delay(0, cancellationToken);
    }

    public sealed record GoodJobOptions;

    public static class GoodJob
    {
        public static Task RunAsync(
            GoodJobOptions options,
            IProgress<JobReport>? progress = null,
            CancellationToken cancellationToken = default
        ) => Task.CompletedTask;
    }

    public static class IdleJob;

    public sealed record MuteJobOptions;

    public static class MuteJob
    {
        public static Task RunAsync(MuteJobOptions options, CancellationToken cancellationToken = default) => Task.CompletedTask;
    }

    public record LooseJobOptions;

    public static class LooseJob
    {
        public static Task RunAsync(
            LooseJobOptions options,
            IProgress<JobReport>? progress = null,
            CancellationToken cancellationToken = default
        ) => Task.CompletedTask;
    }
}

namespace GemmaScope.Tests.ApiSamples.More
{
    public class Misnamed;
}

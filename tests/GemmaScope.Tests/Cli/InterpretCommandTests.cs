using System.Text.Json;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;
using GemmaScope.Tests.Features;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>Dashboards over a text of random words, and another such text.</summary>
public sealed class InterpretableFeatures : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public InterpretableFeatures()
    {
        System.IO.File.WriteAllText(File("text.txt"), PlantedFeatures.Text(3, 4000));
        System.IO.File.WriteAllText(File("held.txt"), PlantedFeatures.Text(4, 6000));
        var built = CommandLine.Run(
            "features",
            "build",
            "--text",
            File("text.txt"),
            "--tokens",
            "2000",
            "--no-neurons",
            "--db",
            File("features.db")
        );
        Assert.True(built.Code == 0, built.Error);
        using var database = FeatureDatabase.Open(File("features.db"));
        // Features that fire on about one token of fifty are in about half of the passages.
        Features =
        [
            .. database
                .Table(database.Dictionaries().Single(), new FeatureFilter { LowestDensity = 0.01, HighestDensity = 0.03 })
                .Take(3)
                .Select(row => row.Feature),
        ];
        Assert.Equal(3, Features.Length);
    }

    public int[] Features { get; }

    public string File(string name) => _folder.File(name);

    public void Dispose() => _folder.Dispose();
}

/// <summary>Explaining features by command: by rules, by a language model behind a real server, and by the demo's own chat model.</summary>
public sealed class InterpretCommandTests : IClassFixture<InterpretableFeatures>, IDisposable
{
    private readonly InterpretableFeatures _built;
    private readonly TemporaryFolder _folder = new();
    private readonly int[] _features;

    public InterpretCommandTests(InterpretableFeatures built)
    {
        (_built, _features) = (built, built.Features);
        File.Copy(built.File("features.db"), Database);
    }

    private string Database => _folder.File("features.db");

    private string Chosen => string.Join(',', _features);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void rules_are_kept_with_both_scores_and_not_made_again()
    {
        var first = Run("--features", Chosen, "--json").Json();
        Assert.Equal((3, 0), (first.GetProperty("features").GetArrayLength(), first.GetProperty("requests").GetInt32()));
        foreach (var one in first.GetProperty("features").EnumerateArray())
        {
            var label = Assert.Single(Labels(one.GetProperty("feature").GetInt32()));
            Assert.Equal(("token rules", "rules 1", "detection"), (label.Author, label.Method, label.ScoreKind));
            Assert.Equal(
                (one.GetProperty("label").GetString(), one.GetProperty("detection").GetDouble(), one.GetProperty("fuzzing").GetDouble()),
                (label.Text, label.Score, label.Fuzzing)
            );
            Assert.True(one.GetProperty("new").GetBoolean());
        }
        Assert.True(first.GetProperty("detection").GetProperty("mean").GetDouble() > 0.6);
        Assert.Equal(3, first.GetProperty("kinds").EnumerateArray().Sum(kind => kind.GetProperty("features").GetInt32()));

        var again = Run("--features", Chosen, "--json");
        using (var document = JsonDocument.Parse(again.Out))
        {
            Assert.All(
                document.RootElement.GetProperty("features").EnumerateArray(),
                one => Assert.False(one.GetProperty("new").GetBoolean())
            );
            Assert.Equal(first.GetProperty("detection").ToString(), document.RootElement.GetProperty("detection").ToString());
        }
        Assert.All(
            Run("--features", Chosen, "--seed", "7", "--json").Json().GetProperty("features").EnumerateArray(),
            one => Assert.True(one.GetProperty("new").GetBoolean())
        );
        Assert.All(_features, feature => Assert.Single(Labels(feature)));
    }

    [Fact]
    public void the_same_command_says_the_same_on_another_database()
    {
        File.Copy(Database, _folder.File("copy.db"));
        var one = Run("--features", Chosen);
        var two = CommandLine.Run(
            "features",
            "interpret",
            "--text",
            _built.File("held.txt"),
            "--tokens",
            "8000",
            "--db",
            _folder.File("copy.db"),
            "--features",
            Chosen
        );
        Assert.Equal(0, one.Code);
        Assert.Equal(
            one.Lines.Where(line => !line.StartsWith("time", StringComparison.Ordinal)),
            two.Lines.Where(line => !line.StartsWith("time", StringComparison.Ordinal))
        );
        Assert.Contains("labels         3, 3 of them new", one.Out);
        Assert.Contains($"{_features[0]}  0.", one.Out);
    }

    [Fact]
    public async Task a_language_model_explains_and_judges_and_its_token_is_seen_nowhere()
    {
        const string token = "secret-token-98765";
        await using var server = await ChatServer.Start(ChatServer.Sensible);
        Environment.SetEnvironmentVariable("GEMMASCOPE_ENDPOINT_TOKEN", token);
        CommandLine run;
        try
        {
            run = Run(
                "--features",
                Chosen,
                "--endpoint",
                $"{server.Address}",
                "--endpoint-model",
                "tiny-judge",
                "--parallel",
                "3",
                "--json"
            );
        }
        finally
        {
            Environment.SetEnvironmentVariable("GEMMASCOPE_ENDPOINT_TOKEN", null);
        }
        var report = run.Json();
        Assert.All(server.Requests, request => Assert.Equal("Bearer " + token, request.Authorization));
        Assert.DoesNotContain(token, run.Out);
        Assert.Equal(
            (server.Requests.Count, 100L * server.Requests.Count),
            (report.GetProperty("requests").GetInt32(), report.GetProperty("tokens").GetInt64())
        );
        Assert.Equal((0, 0), (report.GetProperty("unreadable_decisions").GetInt32(), report.GetProperty("retries").GetInt32()));
        Assert.InRange(server.MostAtOnce, 1, 3);
        var label = Assert.Single(Labels(_features[0]));
        Assert.Equal(("tiny-judge", "prompt 1"), (label.Author, label.Method));
        Assert.StartsWith("the word ", label.Text);
        Assert.InRange(label.Score!.Value, 0, 1);
        // Rules beside it: the page shows both, the better one first.
        Assert.Equal(0, Run("--features", Chosen).Code);
        var both = Labels(_features[0]);
        Assert.Equal(2, both.Count);
        Assert.True(both[0].Score >= both[1].Score);
    }

    [Fact]
    public async Task a_judge_may_judge_rules()
    {
        await using var server = await ChatServer.Start(
            (request, context) => ChatServer.Say(context, request.Number % 2 == 0 ? "no idea" : "[1, 1, 1, 1, 1]")
        );
        var report = Run(
                "--features",
                $"{_features[0]}",
                "--examples",
                "20",
                "--judge-endpoint",
                $"{server.Address}",
                "--judge-endpoint-model",
                "yes",
                "--json"
            )
            .Json();
        var label = Assert.Single(Labels(_features[0]));
        Assert.Equal(("token rules", "rules 1, judged by yes (prompt 1)"), (label.Author, label.Method));
        Assert.All(server.Requests.Skip(1), request => Assert.Contains($"says of it: \"{label.Text}\"", request.Message));
        Assert.True(report.GetProperty("unreadable_decisions").GetInt32() > 0);
    }

    [Fact]
    public async Task a_run_goes_on_where_the_budget_or_a_fault_ended_it()
    {
        var broken = false;
        await using var server = await ChatServer.Start(
            (request, context) =>
            {
                if (!broken)
                    return ChatServer.Sensible(request, context);
                context.Response.StatusCode = 401;
                return Task.CompletedTask;
            }
        );
        string[] command = ["--features", Chosen, "--examples", "20", "--endpoint", $"{server.Address}", "--endpoint-model", "tiny"];
        // A run begins with a request, to see who is there. A feature takes 17: one to explain it, 8 for detection, 8 for fuzzing.
        var first = Run([.. command, "--budget", "30", "--json"]);
        Assert.Contains("\"budget_used_up\": true", first.Out);
        Assert.Equal([1, 0, 0], _features.Select(feature => Labels(feature).Count));
        Assert.Equal(18, server.Requests.Count);

        Run([.. command, "--budget", "16"]).Refuses("the 17 requests that one feature takes");
        Assert.Equal(19, server.Requests.Count);

        broken = true;
        Run(command).Refuses("GEMMASCOPE_ENDPOINT_TOKEN");
        Assert.Equal(20, server.Requests.Count);
        broken = false;
        var before = server.Requests.Count;
        var third = Run(command);
        Assert.Equal(0, third.Code);
        Assert.Contains("1 of 3 features have this label already", third.Error);
        Assert.Contains("labels         3, 2 of them new", third.Out);
        Assert.Equal(35, server.Requests.Count - before);
    }

    [Fact]
    public async Task an_interruption_keeps_what_is_done()
    {
        using var stop = new CancellationTokenSource();
        await using var server = await ChatServer.Start(
            (request, context) =>
            {
                if (request.Number == 22)
                    stop.Cancel();
                return ChatServer.Sensible(request, context);
            }
        );
        var run = CommandLine.Run(
            [.. Command, "--features", Chosen, "--examples", "20", "--endpoint", $"{server.Address}", "--endpoint-model", "tiny"],
            [],
            cancellationToken: stop.Token
        );
        Assert.Equal(130, run.Code);
        Assert.Contains("1 new labels are in the database", run.Error);
        Assert.Equal([1, 0, 0], _features.Select(feature => Labels(feature).Count));
    }

    [Fact]
    public void the_demos_own_chat_model_can_be_asked_and_too_long_a_question_is_said()
    {
        Run("--features", $"{_features[0]}", "--chat-model", "demo-it").Refuses("--shown");
        var report = Run(
                "--features",
                $"{_features[0]}",
                "--chat-model",
                "demo-it",
                "--shown",
                "2",
                "--per-question",
                "1",
                "--examples",
                "10",
                "--json"
            )
            .Json();
        var one = Assert.Single(report.GetProperty("features").EnumerateArray());
        // It knows nothing, but every question was asked and every answer accounted for.
        var explained = !one.TryGetProperty("missing", out var missing) || missing.GetString() != "unexplained";
        Assert.Equal(explained ? 41 : 1, report.GetProperty("requests").GetInt32());
        Assert.Equal(missing.ValueKind == JsonValueKind.Undefined ? 1 : 0, Labels(_features[0]).Count);
        // The rule of the same feature, judged by it: not one answer that can be read, and so no label.
        var judged = Run("--features", $"{_features[0]}", "--judge-chat-model", "demo-it", "--per-question", "1", "--examples", "10");
        Assert.Contains("1 without a judgement", judged.Out);
    }

    [Fact]
    public void the_most_frequent_and_the_unlabelled_are_found()
    {
        using var database = FeatureDatabase.Open(Database);
        var stored = Stored(database);
        var frequent = database.Table(stored, new()).OrderByDescending(row => row.Count).Take(2).Select(row => row.Feature).ToArray();
        Assert.Equal(frequent, Features(Run("--most", "2", "--json")));
        database.AddLabels(stored, [(frequent[0], new FeatureLabel("mine", "me"))]);
        Assert.DoesNotContain(frequent[0], Features(Run("--most", "2", "--unlabelled", "--json")));
    }

    [Fact]
    public void what_cannot_be_done_is_refused()
    {
        Run("--features", "1,x").IsRefused("'x' is no feature");
        Run("--features", "5-2").IsRefused("'5-2'");
        Run("--features", "99999").IsRefused("there are 0 to 2047");
        Run("--examples", "3").IsRefused("--examples", "at least 10");
        Run("--budget", "0").IsRefused("--budget");
        Run("--timeout", "0").IsRefused("--timeout");
        Run("--window", "2").Refuses("from 4 to 511");
        Run("--endpoint", "nowhere").IsRefused("is no web address");
        Run("--endpoint", "http://localhost:9/v1").IsRefused("--endpoint-model", "localhost");
        Run("--endpoint-model", "x").IsRefused("needs --endpoint");
        Run("--endpoint", "http://localhost:9/v1", "--endpoint-model", "x", "--chat-model", "demo-it").IsRefused("cannot be combined");
        Run("--features", Chosen, "--endpoint", "http://127.0.0.1:9/v1", "--endpoint-model", "x").Refuses("cannot be reached");
        Run("--dictionary", "nosuch").IsRefused("nosuch");
        CommandLine
            .Run([.. Command[..2], "--text", _built.File("text.txt"), "--tokens", "1500", "--db", Database])
            .IsRefused("another text");
        CommandLine.Run([.. Command[..2], "--text", _folder.File("nosuch.txt"), "--db", Database]).IsRefused("nosuch.txt");
        CommandLine
            .Run([.. Command[..2], "--text", _built.File("text.txt"), "--db", _folder.File("nosuch.db")])
            .IsRefused("no such database");
    }

    private string[] Command => ["features", "interpret", "--text", _built.File("held.txt"), "--tokens", "8000", "--db", Database];

    private CommandLine Run(params string[] arguments) => CommandLine.Run([.. Command, .. arguments]);

    private static int[] Features(CommandLine run)
    {
        using var document = JsonDocument.Parse(run.Out);
        return [.. document.RootElement.GetProperty("features").EnumerateArray().Select(one => one.GetProperty("feature").GetInt32())];
    }

    private IReadOnlyList<FeatureLabel> Labels(int feature)
    {
        using var database = FeatureDatabase.Open(Database);
        return database.Page(Stored(database), feature)!.Feature.Labels;
    }

    private static StoredDictionary Stored(IFeatureDatabase database) => database.Dictionaries().Single();
}

using System.CommandLine;
using GemmaScope.Cli;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>What commands advise is what they take.</summary>
public sealed class OptionWordsTests : IDisposable
{
    private static readonly RootCommand Root = Application.Root(
        new GlobalOptions(),
        new Session(new Terminal(Stream.Null, TextWriter.Null, TextWriter.Null), default),
        Application.Commands()
    );

    /// <summary>Settings that errors and notes of a command's jobs speak of.</summary>
    private static readonly Dictionary<string, string> Spoken = new()
    {
        ["analyze"] = "Top Feature",
        ["absorption"] = "Words MaxTokens",
        ["circuit"] = "Overwrite Targets Budget Logits Mass NodeShare EdgeShare ZeroPositions Paths Site Transcoders",
        ["circuit attention"] = "Layer Head Query Key Top ZeroPositions Site Transcoders",
        ["circuit logits"] = "Targets Position Top ZeroPositions Site Transcoders",
        ["circuit edge"] = "From To Top ZeroPositions Site Transcoders",
        ["circuit compare"] = "Other Top Targets Budget Logits Mass ZeroPositions Site Transcoders",
        ["circuit check"] = "Strongest Random Targets Budget Site Transcoders",
        ["convert"] = "Overwrite",
        ["detect"] = "Context",
        ["eval"] = "Also Resume Text Tokens Window TextColumn LongestLine SkipBadRows",
        ["features build"] = "PairMemory Text Tokens Window TextColumn LongestLine SkipBadRows",
        ["features export"] = "Sae",
        ["features interpret"] =
            "Examples Parallel MaxTokens Shown PerQuestion Most Budget Window Features Timeout Text "
            + "Endpoint EndpointModel JudgeEndpoint JudgeEndpointModel TextColumn LongestLine SkipBadRows",
        ["harvest"] = "Type BucketRows Part MaxBytes Tokens Text TextColumn LongestLine SkipBadRows",
        ["headlines"] = "Labelled HeldOut Categories MinProbability",
        ["probe"] = "Latents Context",
        ["serve"] = "Port Bind Token QueueLength TimeLimit AllowedHosts AllowedOrigins PathBase",
        ["shield"] = "Policies Input LongestLine Truncation",
        ["shield eval"] = "Resamples HeldOut",
        ["shield why"] = "Top Remove",
        ["steer"] = "SteeredFeatures Contrast Strength Sweep Mode",
        ["store merge"] = "Target",
        ["train"] = "Restart Model",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void every_command_that_takes_a_dictionary_says_where_it_is_read()
    {
        var reading = All()
            .Where(one => one.Command.Options.Any(option => option.Name == "--sae") || one.Path is "convert" or "features export")
            .ToArray();
        Assert.True(reading.Length >= 14, string.Join(", ", reading.Select(one => one.Path)));
        Assert.All(
            reading,
            one =>
                Assert.Superset(new HashSet<string> { "--site", "--layer" }, one.Command.Options.Select(option => option.Name).ToHashSet())
        );
    }

    [Fact]
    public void what_messages_of_a_command_speak_of_are_its_options()
    {
        var commands = All().ToDictionary(one => one.Path, one => one.Command);
        string[] wrong =
        [
            .. from spoken in Spoken
            from setting in spoken.Value.Split(' ')
            let word = OptionWords.In(commands[spoken.Key])(new Setting(setting))
            where !word.StartsWith("--", StringComparison.Ordinal) && commands[spoken.Key].Arguments.All(argument => argument.Name != word)
            select $"{spoken.Key}: {setting} is called '{word}'",
            .. from one in All()
            where one.Command.Options.Any(option => option.Name == "--sae")
            from setting in (string[])["Dictionaries", "Layer", "Site", "Model"]
            let word = OptionWords.In(one.Command)(new Setting(setting))
            where !word.StartsWith("--", StringComparison.Ordinal) && one.Path != "features export"
            select $"{one.Path}: {setting} is called '{word}'",
        ];
        Assert.Empty(wrong);
    }

    [Fact]
    public void a_setting_that_a_command_has_no_option_for_is_named_in_plain_words()
    {
        var words = OptionWords.In(All().Single(one => one.Path == "tokenize").Command);
        Assert.Equal(
            ("longest line 8", "--model", "--threads"),
            (words(new("LongestLine", "8")), words(new("Model")), words(new("Threads")))
        );
    }

    [Fact]
    public async Task what_the_judge_lacks_is_named_by_the_judges_options()
    {
        using var judge = new ChatEndpoint(
            new()
            {
                Role = "Judge",
                Endpoint = new Uri("http://127.0.0.1:1/v1"),
                EndpointModel = "m",
                Attempts = 1,
            }
        );
        var problem = await Assert.ThrowsAsync<GemmaScopeException>(() =>
            judge.GetResponseAsync([new(Microsoft.Extensions.AI.ChatRole.User, "?")], null, TestContext.Current.CancellationToken)
        );
        Assert.Contains(
            "correct --judge-endpoint",
            problem.Describe(OptionWords.In(All().Single(one => one.Path == "features interpret").Command))
        );
    }

    [Theory]
    [InlineData("resid_post.3")]
    [InlineData("blocks.3.hook_resid_post")]
    [InlineData("resid_post --layer 3")]
    public void a_dictionary_whose_path_says_no_site_is_read_by_commands_that_read_many(string site)
    {
        var folder = Unsited();
        var text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat("The cat sat on the mat of the house. ", 30)));
        string[] evaluate = ["eval", "--text", text, "--tokens", "200", "--sae", folder];
        CommandLine.Run(evaluate).IsRefused("--site");
        CommandLine.Run([.. evaluate, "--site", "resid_post"]).IsRefused("names no layer; add --layer");
        var run = CommandLine.Run([.. evaluate, "--site", .. site.Split(' ')]);
        Assert.True(run.Code == 0, run.Error);
        var converted = CommandLine.Run([
            "convert",
            folder,
            _folder.File($"out-{site[0]}"),
            "--to",
            "saelens",
            "--site",
            .. site.Split(' '),
        ]);
        Assert.True(converted.Code == 0, converted.Error);
        Assert.Contains("resid_post", File.ReadAllText(_folder.File($"out-{site[0]}/cfg.json")));
    }

    [Fact]
    public void of_a_folder_of_many_those_of_the_layer_are_read()
    {
        foreach (var layer in (int[])[2, 3])
            Copy(Unsited(), Path.Combine("suite", "resid_post", $"layer_{layer}", "width_2k", "average_l0_35"));
        Assert.Equal([3], Opened(layer: 3, site: null));
        Assert.Equal([2], Opened(layer: null, site: "resid_post.2"));
        Assert.Equal([2, 3], Opened(layer: null, site: "resid_post"));
        Assert.Equal([2, 3], Opened(layer: null, site: null));

        int?[] Opened(int? layer, string? site)
        {
            using var microscope = Microscope
                .OpenAsync(
                    new()
                    {
                        Dictionaries = [_folder.File("suite")],
                        Use = DictionaryUse.Many,
                        Layer = layer,
                        Site = site,
                    }
                )
                .GetAwaiter()
                .GetResult();
            return [.. microscope.Dictionaries.Select(one => one.InputSite.Layer)];
        }
    }

    /// <summary>The demo's dictionary in a form and a folder that say no site.</summary>
    private string Unsited()
    {
        var file = Directory
            .EnumerateFiles(Path.Combine(GemmaScope.Files.DemoFiles.Require("demo-sae")), "params.npz", SearchOption.AllDirectories)
            .First();
        Directory.CreateDirectory(_folder.File("plain"));
        File.Copy(file, _folder.File("plain/params.npz"), overwrite: true);
        return _folder.File("plain");
    }

    private void Copy(string from, string to)
    {
        Directory.CreateDirectory(_folder.File(to));
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(_folder.File(to), Path.GetFileName(file)));
    }

    private static IEnumerable<(string Path, Command Command)> All() => Below(Root, "");

    private static IEnumerable<(string Path, Command Command)> Below(Command command, string path) =>
        command.Subcommands.SelectMany(one => Below(one, $"{path} {one.Name}".Trim()).Prepend(($"{path} {one.Name}".Trim(), one)));
}

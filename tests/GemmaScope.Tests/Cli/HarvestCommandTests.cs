using System.Diagnostics;
using System.Security.Cryptography;
using GemmaScope.Activations;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class HarvestCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public HarvestCommandTests() =>
        _text = _folder.Write(
            "text.txt",
            string.Join(
                "\n\n",
                Enumerable.Range(0, 400).Select(i => $"Page {i}: the cat sat on mat {i * 7}, and {i % 13} dogs looked at it.")
            )
        );

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_harvest_is_shown_verified_and_merged()
    {
        Assert.Equal(0, Harvest("store", "--part", "1/2").Code);
        Assert.Contains("not complete", CommandLine.Run("store", "info", Store("store")).Out);
        CommandLine.Run("store", "merge", Store("store")).IsRefused("missing or not complete");
        var json = Harvest("store", "--part", "0/2", "--json").Json();
        Assert.True(json.GetProperty("complete").GetBoolean());
        Assert.Equal(
            ["resid_post.0", "z.1"],
            json.GetProperty("sites").EnumerateArray().Select(site => site.GetProperty("site").GetString())
        );
        Assert.Equal(
            json.GetProperty("rows").GetInt64(),
            CommandLine.Run("store", "merge", Store("store"), "--json").Json().GetProperty("rows").GetInt64()
        );
        var verified = CommandLine.Run("store", "verify", Store("store"));
        Assert.Contains("are whole", verified.Out);
        Assert.Equal(0, verified.Code);
        Assert.Equal(0, CommandLine.Run("store", "verify", Store("store"), "--json").Json().GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public void a_damaged_store_fails_its_verification()
    {
        Harvest("store");
        var shard = Directory.GetFiles(Store("store"), "00000.z.1.safetensors", SearchOption.AllDirectories).Single();
        var bytes = File.ReadAllBytes(shard);
        bytes[^1] ^= 64;
        File.WriteAllBytes(shard, bytes);
        var verified = CommandLine.Run("store", "verify", Store("store"));
        Assert.Equal(1, verified.Code);
        Assert.Contains("00000.z.1.safetensors: has the checksum", verified.Out);
    }

    [Fact]
    public void a_killed_process_goes_on_to_the_same_bytes()
    {
        Assert.Equal(0, Harvest("whole").Code);
        var manifest = Path.Combine(Store("store"), "part-0-of-1.json");
        Killing.InTheMiddle(
            Store("store"),
            () => Start("store"),
            () => File.Exists(manifest) && ActivationStore.Open(Store("store")).Rows > 0,
            () => ActivationStore.Open(Store("store")).Rows == ActivationStore.Open(Store("whole")).Rows
        );
        Assert.InRange(ActivationStore.Open(Store("store")).Rows, 1, ActivationStore.Open(Store("whole")).Rows - 1);
        Assert.Equal(0, Harvest("store").Code);
        Assert.Equal(Files("whole"), Files("store"));
    }

    [Fact]
    public void two_processes_write_two_parts_at_the_same_time()
    {
        using Process one = Start("store", "--part", "0/2"),
            two = Start("store", "--part", "1/2");
        Assert.All([one, two], process => process.WaitForExit());
        Assert.All([one, two], process => Assert.Equal(0, process.ExitCode));
        var store = ActivationStore.Open(Store("store"));
        Assert.True(store.IsComplete);
        Assert.Empty(StoreVerifier.Verify(store, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(0, Harvest("whole").Code);
        Assert.Equal(ActivationStore.Open(Store("whole")).Rows, store.Rows);
    }

    [Fact]
    public void one_part_has_one_writer()
    {
        Harvest("store", "--part", "0/2");
        using var held = new FileStream(
            Path.Combine(Store("store"), "part-0-of-2", "lock"),
            FileMode.Create,
            FileAccess.ReadWrite,
            FileShare.None
        );
        Harvest("store", "--part", "0/2").IsRefused("part-0-of-2 is being written by another process");
    }

    [Fact]
    public void an_interrupted_harvest_says_how_to_go_on()
    {
        var run = CommandLine.Run(Arguments("store"), [], cancellationToken: new CancellationToken(canceled: true));
        Assert.Equal(130, run.Code);
        Assert.Contains("the same harvest goes on", run.Error);
    }

    [Theory]
    [InlineData("--tokens", "many", "cannot be read")]
    [InlineData("--bucket", "0", "--bucket")]
    [InlineData("--part", "2/2", "0/8")]
    [InlineData("--max-bytes", "10KB", "--max-bytes")]
    [InlineData("--sites", "resid_post.9", "does not exist")]
    [InlineData("--text", "no-such-folder", "does not exist")]
    [InlineData("--context", "1", "BOS and a token")]
    public void bad_input_is_refused(string option, string value, string says) => Harvest("store", option, value).IsRefused(says);

    [Theory]
    [InlineData("2^10", 1024)]
    [InlineData("1.5K", 1500)]
    [InlineData("2M", 2_000_000)]
    public void numbers_are_written_as_people_write_them(string given, int rows)
    {
        var json = Harvest("store", "--bucket", given, "--tokens", "200", "--json").Json();
        Assert.Equal(rows, json.GetProperty("parts")[0].GetProperty("bucket_rows").GetInt32());
    }

    private CommandLine Harvest(string store, params string[] more) => CommandLine.Run(Arguments(store, more));

    private Process Start(string store, params string[] more) =>
        Process.Start(
            new ProcessStartInfo(
                Environment.ProcessPath!,
                [Path.Combine(AppContext.BaseDirectory, "gemmascope.dll"), .. Arguments(store, more)]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;

    private string[] Arguments(string store, params string[] more)
    {
        var options = new Dictionary<string, string>
        {
            ["--text"] = _text,
            ["--sites"] = "resid_post.0,z.1",
            ["--context"] = "64",
            ["--bucket"] = "400",
            ["--out"] = Store(store),
        };
        for (var i = 0; i + 1 < more.Length; i += 2)
            options[more[i]] = more[i + 1];
        return
        [
            "harvest",
            .. options.SelectMany(option => (string[])[option.Key, option.Value]),
            .. more.Length % 2 == 1 ? [more[^1]] : Array.Empty<string>(),
        ];
    }

    private string Store(string name) => Path.Combine(_folder.Path, name);

    private SortedDictionary<string, string> Files(string store) =>
        new(
            Directory
                .EnumerateFiles(Store(store), "*", SearchOption.AllDirectories)
                .ToDictionary(
                    file => Path.GetRelativePath(Store(store), file),
                    file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))
                ),
            StringComparer.Ordinal
        );
}

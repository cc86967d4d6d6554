using GemmaScope.Activations;
using GemmaScope.Models;

namespace GemmaScope.Tests.Activations;

/// <summary>A folder with a text, and harvests of it with the demo model.</summary>
internal sealed class StoreFolder : IDisposable
{
    public const int Context = 24;

    private readonly TemporaryFolder _folder = new();

    public StoreFolder()
    {
        var words = "the cat sat on a mat and looked at seven green hills beyond the river while it rained in Paris all day long".Split(
            ' '
        );
        var random = new Random(5);
        TextFile = _folder.File("text.jsonl");
        File.WriteAllLines(
            TextFile,
            Enumerable
                .Range(0, 30)
                .Select(_ =>
                    $"{{\"text\": \"{string.Join(' ', Enumerable.Range(0, 20).Select(_ => words[random.Next(words.Length)]))}.\"}}"
                )
        );
        Text = WindowSource.FromText(Model.Tokenizer, [TextFile], Context);
    }

    public GemmaModel Model { get; } = GemmaModel.Load(Fixtures.Model("demo-pt"));

    public string TextFile { get; }

    public WindowSource Text { get; }

    public static HarvestOptions Options { get; } =
        new()
        {
            Sites = [Site.ResidPost(0), Site.Z(1), Site.Parse("ln2_normalized.0")],
            BucketRows = 150,
            WindowsPerRun = 3,
            Seed = 11,
        };

    public string Path(string name) => _folder.File(name);

    public ActivationStore Harvest(string name, HarvestOptions? options = null, CancellationToken cancellationToken = default) =>
        Harvester.Run(Model, Text, Path(name), options ?? Options, cancellationToken: cancellationToken);

    /// <summary>All files below a folder with their contents, but for those that a harvest removes when it begins.</summary>
    public SortedDictionary<string, string> Contents(string name) =>
        new(
            Directory
                .EnumerateFiles(Path(name), "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("lock", StringComparison.Ordinal))
                .ToDictionary(
                    file => System.IO.Path.GetRelativePath(Path(name), file),
                    file => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))
                ),
            StringComparer.Ordinal
        );

    /// <summary>Copies a store as it is at this moment: what a process that is killed now would leave.</summary>
    public void Snapshot(string from, string to)
    {
        foreach (
            var file in Directory
                .EnumerateFiles(Path(from), "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("lock", StringComparison.Ordinal))
        )
        {
            var copy = System.IO.Path.Combine(Path(to), System.IO.Path.GetRelativePath(Path(from), file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy)!);
            File.WriteAllBytes(copy, Bytes(file));
        }
    }

    public void Dispose()
    {
        Model.Dispose();
        _folder.Dispose();
    }

    // A file that is being written is locked against others of this process; its length is all that matters of what is thrown away.
    private static byte[] Bytes(string file) => file.EndsWith(".partial", StringComparison.Ordinal) ? new byte[7] : File.ReadAllBytes(file);
}

using System.Text.Json.Nodes;
using GemmaScope.Verification;

namespace GemmaScope.Tests.Verification;

/// <summary>
/// A fixture folder whose golden values may be changed, so that tests see whether a verifier notices. What is not changed stays a link to
/// the fixture.
/// </summary>
internal sealed class GoldenCopy : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _fixture;

    /// <param name="fixture">The folder below tests/fixtures.</param>
    public GoldenCopy(params string[] fixture)
    {
        _fixture = Fixtures.Path(fixture);
        LinkAll(_fixture, Path);
    }

    public string Path => _folder.Path;

    public void Dispose() => _folder.Dispose();

    /// <summary>Changes a file of JSON.</summary>
    public void Edit(string file, Action<JsonNode> change)
    {
        var json = Read(file);
        change(json);
        File.WriteAllText(Own(file), json.ToJsonString());
    }

    /// <summary>Changes the value at the end of a path of keys and indices in a file of JSON.</summary>
    public void Edit(string file, IReadOnlyList<string> keys, Func<JsonNode?, JsonNode?> change) =>
        Edit(
            file,
            json =>
            {
                var holder = keys.SkipLast(1).Aggregate(json, (node, key) => node is JsonArray list ? list[int.Parse(key)]! : node[key]!);
                if (holder is JsonArray items)
                    items[int.Parse(keys[^1])] = change(items[int.Parse(keys[^1])]);
                else
                    holder[keys[^1]] = change(holder[keys[^1]]);
            }
        );

    public JsonNode Read(string file) => JsonNode.Parse(File.ReadAllText(_folder.File(file)))!;

    /// <summary>Changes a tensor of a safetensors file.</summary>
    public void Change(string file, string tensor, GoldenTensor.Edit edit) => GoldenTensor.Change(Own(file), tensor, edit);

    public void Remove(string file) => File.Delete(Own(file));

    /// <summary>The names of the checks that fail.</summary>
    public string[] Failures(IVerifier verifier) =>
        [.. verifier.Verify(Path, VerifyOptions.Default).Where(check => check.Outcome == Outcome.Failed).Select(check => check.Name)];

    /// <summary>Turns the links on the way to a file into folders and the file into a copy.</summary>
    /// <returns>The file.</returns>
    public string Own(string file)
    {
        var (own, source) = (Path, _fixture);
        foreach (var part in file.Split('/'))
        {
            (own, source) = (System.IO.Path.Combine(own, part), System.IO.Path.Combine(source, part));
            if (new FileInfo(own).LinkTarget is null)
                continue;
            File.Delete(own);
            if (File.Exists(source))
                File.Copy(source, own);
            else
                LinkAll(source, Directory.CreateDirectory(own).FullName);
        }
        return own;
    }

    private static void LinkAll(string source, string target)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(source))
        {
            var link = System.IO.Path.Combine(target, System.IO.Path.GetFileName(entry));
            if (Directory.Exists(entry))
                Directory.CreateSymbolicLink(link, entry);
            else
                File.CreateSymbolicLink(link, entry);
        }
    }
}

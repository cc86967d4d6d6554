using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// A set of transcoders as circuit-tracer describes one: a YAML file with the hooks that all read and write, and where each lies, on the hub
/// (<c>hf://org/name/path?revision=…</c>) or beside the file. A folder whose config.yaml names no places holds its transcoders itself and is
/// no such file.
/// </summary>
/// <param name="Members">What each is called here.</param>
/// <param name="Input">Where they read; null where the hook is none that is known.</param>
internal sealed record TranscoderSetFile(IReadOnlyList<string> Members, SiteKind? Input)
{
    private const string Config = "config.yaml",
        HubPrefix = "hf://",
        Revision = "revision=";

    /// <summary>Files that one transcoder lies in alone, so that its folder names it.</summary>
    private static readonly string[] OnlyFiles = ["params.npz", "params.safetensors"];

    /// <summary>The set that a YAML file, or a folder with one, describes; null for anything else.</summary>
    /// <exception cref="FileFormatException">The file names what cannot be a place.</exception>
    public static TranscoderSetFile? Find(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, Config) : path;
        if (Path.GetExtension(file).ToLowerInvariant() is not (".yaml" or ".yml") || !File.Exists(file))
            return null;
        var config = YamlFile.Read(file);
        if (config.Texts("transcoders") is not { Count: > 0 } places)
            return file != path
                ? null
                : throw new FileFormatException("names no transcoders: a list 'transcoders' of files or hf:// addresses is needed", file);
        var hook = config.Text("feature_input_hook");
        return new(
            [.. places.Select(place => Member(place, file))],
            hook is not null && Site.TryParse($"blocks.0.{hook}", out var site) ? site.Kind : null
        );
    }

    private static string Member(string place, string file)
    {
        if (!place.StartsWith(HubPrefix, StringComparison.Ordinal))
            return Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, place);
        var (address, query) = place[HubPrefix.Length..].Split('?', 2) is [var before, var after]
            ? (before, after)
            : (place[HubPrefix.Length..], "");
        if (!HubReference.TryParse(address, out var reference))
            throw new FileFormatException($"'{place}' is no address of a file on the hub", file);
        var revision = query.StartsWith(Revision, StringComparison.Ordinal) ? Uri.UnescapeDataString(query[Revision.Length..]) : null;
        var inside = OnlyFiles.Contains(Path.GetFileName(reference.Path)) ? Path.GetDirectoryName(reference.Path)! : reference.Path;
        return $"{reference.Repository}{(revision is null ? "" : $"@{Uri.EscapeDataString(revision)}")}/{inside.Replace('\\', '/')}";
    }
}

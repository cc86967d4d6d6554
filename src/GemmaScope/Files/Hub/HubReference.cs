using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>
/// A place on the hub, written <c>org/name[@revision][/path]</c>: a model repository, a branch, tag or commit of it,
/// and a file or folder inside. A revision ends at the next slash, except <c>refs/pr/N</c> and <c>refs/convert/X</c>;
/// a slash in another branch name is written %2F.
/// </summary>
public sealed partial record HubReference
{
    /// <summary>The branch that is meant where none is named.</summary>
    public const string DefaultRevision = "main";

    private HubReference(string repository, string revision, string path) => (Repository, Revision, Path) = (repository, revision, path);

    /// <summary>The repository, <c>org/name</c>.</summary>
    public string Repository { get; }

    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; }

    /// <summary>File or folder inside the repository with forward slashes; empty for the whole repository.</summary>
    public string Path { get; }

    /// <summary>Whether the revision is a full commit hash, which never changes its meaning.</summary>
    public bool IsPinned => IsCommit(Revision);

    /// <summary>Reads a reference.</summary>
    /// <exception cref="ArgumentProblemException">The text is not a reference.</exception>
    public static HubReference Parse(string text) =>
        TryParse(text, out var reference)
            ? reference
            : throw new ArgumentProblemException("is not a hub reference; write org/name, org/name@revision or org/name/path/inside", text);

    /// <summary>Reads a reference; false if the text is none.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubReference? reference)
    {
        reference = null;
        var match = Form().Match(text.TrimEnd('/'));
        if (!match.Success || !IsName(match.Groups["org"].Value) || !IsName(match.Groups["name"].Value))
            return false;
        var revision = match.Groups["revision"] is { Success: true } named ? Uri.UnescapeDataString(named.Value) : DefaultRevision;
        var path = match.Groups["path"].Value;
        if (!IsInside(revision) || (path.Length > 0 && !IsInside(path)))
            return false;
        reference = new($"{match.Groups["org"].Value}/{match.Groups["name"].Value}", revision, path);
        return true;
    }

    /// <summary>The same repository and revision, another path.</summary>
    /// <exception cref="HubException">The path leads out of the repository.</exception>
    public HubReference At(string path) =>
        new(Repository, Revision, path.Trim('/') is { Length: > 0 } inside ? CheckInside(inside, Repository) : "");

    /// <summary>The same repository and path, at one commit.</summary>
    internal HubReference Pinned(string commit) => new(Repository, commit, Path);

    /// <inheritdoc/>
    public override string ToString() =>
        Repository
        + (Revision == DefaultRevision ? "" : "@" + (SpecialRevision().IsMatch(Revision) ? Revision : Uri.EscapeDataString(Revision)))
        + (Path.Length == 0 ? "" : "/" + Path);

    /// <summary>Whether a text is a full commit hash.</summary>
    internal static bool IsCommit(string? text) => text is { Length: 40 } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The path, if it stays inside the folder that it is relative to: paths and names from a server are not trusted.</summary>
    /// <exception cref="HubException">It does not.</exception>
    internal static string CheckInside(string path, string repository) =>
        IsInside(path)
            ? path
            : throw new HubException($"the path '{path}' is refused, because it may lead out of the repository's folder", repository);

    private static bool IsInside(string path) =>
        !path.Any(c => c is '\\' or ':' || char.IsControl(c)) && path.Split('/').All(part => part is not ("" or "." or ".."));

    // The hub's own rules; "--" would also make the cache's folder names ambiguous.
    private static bool IsName(string name) =>
        name.Length <= 96
        && name[0] is not ('-' or '.')
        && name[^1] is not ('-' or '.')
        && !name.Contains("--", StringComparison.Ordinal)
        && !name.Contains("..", StringComparison.Ordinal)
        && !name.EndsWith(".git", StringComparison.Ordinal);

    [GeneratedRegex(
        @"^(?<org>[A-Za-z0-9_.-]+)/(?<name>[A-Za-z0-9_.-]+)(@(?<revision>refs/(?:pr|convert)/[^/@]+|[^/@]+))?(/(?<path>.+))?$",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Form();

    [GeneratedRegex(@"^refs/(?:pr|convert)/[^/@%]+$", RegexOptions.CultureInvariant)]
    private static partial Regex SpecialRevision();
}

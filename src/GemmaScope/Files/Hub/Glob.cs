using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>A file pattern: <c>*</c> and <c>?</c> stay within a path segment, <c>**</c> crosses segments.</summary>
internal sealed class Glob(string pattern)
{
    private readonly Regex _regex = new(
        "^"
            + Regex
                .Escape(pattern)
                .Replace(@"\*\*", ".*", StringComparison.Ordinal)
                .Replace(@"\*", "[^/]*", StringComparison.Ordinal)
                .Replace(@"\?", "[^/]", StringComparison.Ordinal)
            + "$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    );

    public bool Matches(string path) => _regex.IsMatch(path);

    /// <summary>Whether a folder holds a file that matches one of the patterns, or any file if there are none.</summary>
    public static bool AnyFile(string folder, IReadOnlyList<string> patterns)
    {
        var globs = patterns.Select(p => new Glob(p)).ToList();
        return Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(HubCache.Holds)
            .Select(f => Path.GetRelativePath(folder, f).Replace(Path.DirectorySeparatorChar, '/'))
            .Any(f => globs.Count == 0 || globs.Any(g => g.Matches(f)));
    }
}

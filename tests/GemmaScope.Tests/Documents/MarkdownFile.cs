using System.Text.RegularExpressions;

namespace GemmaScope.Tests.Documents;

/// <summary>A fenced block of a page.</summary>
internal sealed record CodeBlock(string Language, string[] Lines);

/// <summary>A page of the documentation, taken apart as far as the tests need it.</summary>
internal sealed partial class MarkdownFile
{
    private static readonly HashSet<string> NotOurs = ["bin", "obj", "artifacts", "node_modules", ".vocabularies", ".git"];

    private readonly List<string> _prose = [];

    private MarkdownFile(string path)
    {
        Path = path;
        List<string>? block = null;
        var language = "";
        foreach (var line in File.ReadAllLines(path))
        {
            if (!line.StartsWith("```", StringComparison.Ordinal))
                (block ?? _prose).Add(line);
            else if (block is null)
                (block, language) = ([], line[3..].Trim());
            else
            {
                Blocks.Add(new(language, [.. block]));
                block = null;
            }
        }
    }

    public static IEnumerable<MarkdownFile> All { get; } =
    [.. Files(new DirectoryInfo(Fixtures.Repository)).Select(file => new MarkdownFile(file))];

    public string Path { get; }

    public string Name => System.IO.Path.GetRelativePath(Fixtures.Repository, Path).Replace('\\', '/');

    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    public List<CodeBlock> Blocks { get; } = [];

    /// <summary>Targets of links and pictures.</summary>
    public IEnumerable<string> Links =>
        _prose.SelectMany(line => Link().Matches(CodeSpan().Replace(line, ""))).Select(match => match.Groups[1].Value);

    /// <summary>The anchors that its headings get: lower case, punctuation dropped, spaces as hyphens.</summary>
    public IEnumerable<string> Anchors =>
        _prose
            .Where(line => line.StartsWith('#'))
            .Select(line => NotInAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary>Everything in code: spans, indented lines and the lines of blocks.</summary>
    public IEnumerable<string> Code =>
        _prose
            .SelectMany(line => CodeSpan().Matches(line))
            .Select(match => match.Groups[1].Value)
            .Concat(_prose.Where(line => line.StartsWith("    ", StringComparison.Ordinal)))
            .Concat(Blocks.SelectMany(block => block.Lines))
            .Select(line => line.Trim());

    private static IEnumerable<string> Files(DirectoryInfo folder) =>
        folder
            .GetFiles("*.md")
            .Select(file => file.FullName)
            .Concat(folder.GetDirectories().Where(inner => !NotOurs.Contains(inner.Name)).SelectMany(Files));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();
}

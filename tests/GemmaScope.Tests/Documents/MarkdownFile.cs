using System.Text.RegularExpressions;

namespace GemmaScope.Tests.Documents;

/// <summary>A fenced block of a page.</summary>
internal sealed record CodeBlock(string Language, string[] Lines)
{
    /// <summary>The project that the page has made by then, in which it stands.</summary>
    public NewProject Project { get; init; } = NewProject.None;
}

/// <summary>What a page's lines <c>dotnet new</c> and <c>dotnet add package</c> make.</summary>
/// <param name="Template">The last template that was named, or null.</param>
/// <param name="Packages">The packages that were added since.</param>
internal sealed record NewProject(string? Template, string[] Packages)
{
    private const string New = "dotnet new ",
        Add = "dotnet add package ";

    public static NewProject None { get; } = new(null, []);

    /// <summary>The project after another line of the page.</summary>
    public NewProject After(string line) =>
        line.StartsWith(New, StringComparison.Ordinal) ? new(Word(line[New.Length..]), [])
        : line.StartsWith(Add, StringComparison.Ordinal) ? this with { Packages = [.. Packages, Word(line[Add.Length..])] }
        : this;

    private static string Word(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
}

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
        var project = NewProject.None;
        foreach (var line in File.ReadAllLines(path))
        {
            if (!line.StartsWith("```", StringComparison.Ordinal))
            {
                (block ?? _prose).Add(line);
                project = project.After(line.Trim());
            }
            else if (block is null)
                (block, language) = ([], line[3..].Trim());
            else
            {
                Blocks.Add(new(language, [.. block]) { Project = project });
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

    /// <summary>The lines outside of fenced blocks.</summary>
    public IReadOnlyList<string> Prose => _prose;

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

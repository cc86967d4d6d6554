using System.Text.RegularExpressions;
using GemmaScope.Cli;
using GemmaScope.Tests.Cli;
using Xunit;

namespace GemmaScope.Tests.Documents;

/// <summary>The documentation says what is so: links lead somewhere, commands exist, snippets compile, outputs are real.</summary>
public partial class DocumentTests
{
    [Fact]
    public void every_relative_link_leads_to_a_file_and_heading()
    {
        NoneOf(
            MarkdownFile.All.SelectMany(page =>
                page.Links.Where(link => !link.Contains(':', StringComparison.Ordinal) && !Leads(page, link))
                    .Select(link => $"{page.Name}: {link} leads nowhere")
            )
        );
    }

    [Fact]
    public void every_page_of_the_documentation_is_in_its_index()
    {
        // Decisions have an index of their own, which is in the other.
        string[] indices = ["docs/README.md", "docs/decisions/README.md"];
        var listed = MarkdownFile
            .All.Where(page => indices.Contains(page.Name))
            .SelectMany(index => index.Links.Select(link => Path.GetFullPath(Path.Combine(index.Folder, link))))
            .ToHashSet();
        NoneOf(
            MarkdownFile
                .All.Where(page => page.Name.StartsWith("docs/", StringComparison.Ordinal) && page.Name != indices[0])
                .Where(page => !listed.Contains(page.Path))
                .Select(page => page.Name)
        );
    }

    [Fact]
    public void every_command_shown_is_understood()
    {
        var commands = MarkdownFile
            .All.SelectMany(page =>
                page.Code.Select(line => (page.Name, Line: line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : line))
            )
            .Select(code => code.Line.StartsWith("./gemmascope ", StringComparison.Ordinal) ? (code.Name, Line: code.Line[2..]) : code)
            .Where(code => code.Line.StartsWith("gemmascope ", StringComparison.Ordinal))
            .ToArray();
        Assert.NotEmpty(commands);
        NoneOf(commands.SelectMany(command => Problems(command.Line).Select(problem => $"{command.Name}: {problem}")));
    }

    [Fact]
    public void every_sample_shown_exists() =>
        NoneOf(
            MarkdownFile.All.SelectMany(page =>
                page.Code.SelectMany(line => Sample().Matches(line))
                    .Where(match => !File.Exists(Path.Combine(Fixtures.Repository, match.Value)))
                    .Select(match => $"{page.Name}: there is no {match.Value}")
            )
        );

    [Fact]
    public void every_snippet_is_part_of_a_sample_that_the_tests_run()
    {
        var samples = Directory
            .GetFiles(Path.Combine(Fixtures.Repository, "samples"), "*.cs")
            .Select(file => Plain(File.ReadAllLines(file)))
            .ToArray();
        // Those of packages are compiled (PageProgramTests), but may name what is not on this machine.
        var snippets = MarkdownFile
            .All.Where(page => !page.Name.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(page =>
                page.Blocks.Where(block => block.Language == "csharp").Select(block => (page.Name, Lines: Plain(block.Lines)))
            )
            .ToArray();
        Assert.NotEmpty(snippets);
        NoneOf(
            snippets
                .Where(snippet => !samples.Any(sample => HasInOrder(sample, snippet.Lines)))
                .Select(snippet => $"{snippet.Name} has a snippet that is in no sample:\n{string.Join('\n', snippet.Lines)}")
        );
    }

    public static TheoryData<string> Commands =>
        [
            .. Transcript
                .All.Select(transcript => transcript.Command)
                .Where(command => !command.StartsWith("dotnet run samples/", StringComparison.Ordinal))
                .Distinct(),
        ];

    [Theory]
    [MemberData(nameof(Commands))]
    public void a_command_prints_what_the_documentation_shows(string command)
    {
        // Pages are read in the repository's folder; the tests run in another.
        static string Here(string word) =>
            word.Contains('/', StringComparison.Ordinal) && Path.Exists(Path.Combine(Fixtures.Repository, word))
                ? Path.Combine(Fixtures.Repository, word)
                : word;
        var words = CommandLine.Words(
            command == "./demo.sh" ? "gemmascope demo"
            : command.StartsWith("./", StringComparison.Ordinal) ? command[2..]
            : command
        );
        var run = CommandLine.Run([.. words.Select(Here)]);
        Assert.Equal(0, run.Code);
        NoneOf(
            Transcript
                .All.Where(transcript => transcript.Command == command)
                .Select(transcript => transcript.Mismatch(run.Out))
                .OfType<string>()
        );
    }

    private static void NoneOf(IEnumerable<string> problems)
    {
        var found = problems.ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    /// <summary>Prose may name a command without its arguments.</summary>
    private static IEnumerable<string> Problems(string line) =>
        CommandLine.Words(line) is [var name] && Application.Commands().Any(command => command.Name == name)
            ? []
            : CommandLine.Problems(line);

    private static bool Leads(MarkdownFile page, string link)
    {
        var (path, anchor) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
        var target = path.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(page.Folder, path));
        if (anchor is null)
            return File.Exists(target) || Directory.Exists(target);
        return MarkdownFile.All.FirstOrDefault(other => other.Path == target)?.Anchors.Contains(anchor) ?? false;
    }

    /// <summary>A page may leave lines of a sample out.</summary>
    private static bool HasInOrder(string[] sample, string[] lines)
    {
        var found = 0;
        foreach (var line in sample)
            if (found < lines.Length && line == lines[found])
                found++;
        return found == lines.Length;
    }

    /// <summary>Lines without their indentation; empty ones say nothing.</summary>
    private static string[] Plain(IEnumerable<string> lines) => [.. lines.Select(line => line.Trim()).Where(line => line.Length > 0)];

    [GeneratedRegex(@"samples/[\w-]+\.cs")]
    private static partial Regex Sample();
}

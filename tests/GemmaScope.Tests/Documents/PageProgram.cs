using System.Text.RegularExpressions;

namespace GemmaScope.Tests.Documents;

/// <summary>
/// A program that a page shows: a block <c>csharp</c> that begins with <c>using</c> lines, and the blocks behind it that do not. Who pastes
/// them one after another into the project that the page makes (<c>dotnet new</c>, <c>dotnet add package</c>) has to get one that compiles.
/// </summary>
internal sealed partial record PageProgram(string Page, NewProject Project, string Code)
{
    /// <summary>Every program of the documentation.</summary>
    public static IReadOnlyList<PageProgram> All { get; } = [.. MarkdownFile.All.SelectMany(Of)];

    /// <summary>Where its page stands, and which of its programs it is.</summary>
    public string Name { get; private init; } = Page;

    /// <summary>The programs of a page.</summary>
    /// <exception cref="InvalidDataException">Its first block goes on from nothing.</exception>
    public static IReadOnlyList<PageProgram> Of(MarkdownFile page)
    {
        List<PageProgram> programs = [];
        foreach (var block in page.Blocks.Where(block => block.Language == "csharp"))
        {
            if (Directive().IsMatch(block.Lines[0]))
                programs.Add(new(page.Name, block.Project, Text(block)) { Name = $"{page.Name}, program {programs.Count + 1}" });
            else if (programs is [.., var last])
                programs[^1] = last with { Code = last.Code + Text(block) };
            else
                throw new InvalidDataException(
                    $"{page.Name}: its first block of C# has no using lines: name the namespaces, and what it is in with dotnet new"
                );
        }
        return programs;
    }

    private static string Text(CodeBlock block) => string.Join('\n', block.Lines) + "\n\n";

    [GeneratedRegex(@"^using (static )?[A-Z][\w.]*;")]
    private static partial Regex Directive();
}

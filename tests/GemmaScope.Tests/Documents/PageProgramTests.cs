using Xunit;

namespace GemmaScope.Tests.Documents;

/// <summary>What is pasted from a page into the new project that the page makes compiles there, without a warning.</summary>
public class PageProgramTests
{
    public static TheoryData<string> Programs => [.. PageProgram.All.Select(program => program.Name)];

    [Theory]
    [MemberData(nameof(Programs))]
    public void a_program_compiles_as_it_is_pasted(string name) =>
        Assert.Equal("", string.Join('\n', ProjectCompiler.Problems(PageProgram.All.Single(program => program.Name == name))));

    [Fact]
    public void no_page_shows_c_sharp_that_is_not_compiled() =>
        Assert.Equal(
            "",
            string.Join(
                '\n',
                MarkdownFile.All.SelectMany(page =>
                    page.Prose.Where(line => line.StartsWith("    using ", StringComparison.Ordinal))
                        .Select(line => $"{page.Name}: give it a block csharp:{line}")
                )
            )
        );

    [Theory]
    [InlineData("a name that is not there", "using GemmaScope.Models;", "GemmaModel.Load(folder);")]
    [InlineData("a missing using line", "using GemmaScope.Models;", "SparseDictionary.Load(\"demo-sae\");")]
    [InlineData("a missing end", "using GemmaScope.Models;", "if (true) {")]
    [InlineData("a warning", "using GemmaScope.Models;", "string nothing = null; Console.WriteLine(nothing);")]
    public void what_does_not_compile_is_found(string what, params string[] lines)
    {
        Assert.NotEmpty(what);
        Assert.NotEmpty(ProjectCompiler.Problems(Program("console", ["GemmaScope"], lines)));
    }

    [Theory]
    [InlineData("using GemmaScope.Workbench;")]
    [InlineData("using GemmaScope.Server.Shield;")]
    [InlineData("using Microsoft.AspNetCore.Builder;")]
    public void a_project_has_what_its_packages_bring_and_no_more(string line)
    {
        Assert.NotEmpty(ProjectCompiler.Problems(Program("console", ["GemmaScope"], line)));
        Assert.Empty(ProjectCompiler.Problems(Program("console", ["GemmaScope.Server"], line, "Console.WriteLine();")));
    }

    [Fact]
    public void a_page_has_to_name_template_and_packages()
    {
        string[] line = ["Console.WriteLine();"];
        Assert.NotEmpty(ProjectCompiler.Problems(Program(null, [], line)));
        Assert.NotEmpty(ProjectCompiler.Problems(Program("console", ["GemmaScope.Nonsense"], line)));
        Assert.Empty(ProjectCompiler.Problems(Program("console", ["GemmaScope", "GemmaScope.Demo"], line)));
    }

    private static PageProgram Program(string? template, string[] packages, params string[] lines) =>
        new("page", new NewProject(template, packages), string.Join('\n', lines));
}

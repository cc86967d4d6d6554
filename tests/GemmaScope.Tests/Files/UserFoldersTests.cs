using GemmaScope.Dictionaries;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class UserFoldersTests : IDisposable
{
    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void settings_are_below_a_fresh_home()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have other folders");
        Assert.Equal($"{_home.Path}/.config/gemmascope/dictionaries.txt", File());
        Assert.Equal($"{_home.Path}/.config/gemmascope/dictionaries.txt", File(("XDG_CONFIG_HOME", "")));
        Assert.Equal($"{_home.Path}/.config/gemmascope/dictionaries.txt", File(("XDG_CONFIG_HOME", "relative")));
        Assert.Equal("/x/gemmascope/dictionaries.txt", File(("XDG_CONFIG_HOME", "/x")));
        Assert.Equal("here.txt", File(("GEMMASCOPE_CATALOGUE", "here.txt")));
        Assert.Equal("here.txt", File(("HOME", "/nonexistent"), ("GEMMASCOPE_CATALOGUE", "here.txt")));
        // It is made by whoever writes there.
        var list = LocalCatalogue.ListBeside(File());
        LocalCatalogue.Add(Path.Combine(DemoFiles.Require("demo-scope")), list);
        Assert.Equal(
            $"{_home.Path}/.config/gemmascope/folders.txt",
            Assert.Single(Directory.GetFiles(_home.Path, "*", SearchOption.AllDirectories))
        );
    }

    [Fact]
    public void without_a_home_nothing_is_listed_and_nothing_can_be_added()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have other folders");
        Assert.Null(CatalogueRefresh.FindUserFile(Variables(("HOME", "/nonexistent"))));
        var problem = Assert.Throws<ArgumentProblemException>(() => File(("HOME", "/nonexistent")));
        Assert.Contains("/nonexistent does not exist", problem.Message);
        Assert.Contains("set HOME to a folder of yours, or GEMMASCOPE_CATALOGUE to a file", problem.Message);
    }

    private string File(params (string Name, string Value)[] variables) => CatalogueRefresh.UserFileOf(Variables(variables));

    private Func<string, string?> Variables(params (string Name, string Value)[] variables) =>
        name => variables.Append(("HOME", _home.Path)).FirstOrDefault(one => one.Item1 == name).Item2;
}

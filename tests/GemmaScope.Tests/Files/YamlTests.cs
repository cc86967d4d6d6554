using System.Text;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class YamlTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void values_have_the_types_of_the_core_schema()
    {
        var yaml = Read(
            """
            # a recipe
            width: 2048
            rate: 7e-5
            bandwidth: .001
            name: 'resid post'
            quoted: "12"
            forced: !!str 12
            on: true
            word: yes
            nothing: ~
            absent:
            hex: 0x10
            layers: [1, 2]
            nested:
              deep: {a: -1.5, b: [x, y]}
            list:
              - kind: sae
              - kind: clt
            """
        );
        Assert.Equal(2048, yaml.Integer("width"));
        Assert.Equal(7e-5, yaml.Number("rate"));
        Assert.Equal(0.001, yaml.Number("bandwidth"));
        Assert.Equal("resid post", yaml.Text("name"));
        Assert.Equal("12", yaml.Text("quoted"));
        Assert.Equal("12", yaml.Text("forced"));
        Assert.True(yaml.Flag("on"));
        Assert.Equal("yes", yaml.Text("word"));
        Assert.False(yaml.Has("nothing"));
        Assert.False(yaml.Has("absent"));
        Assert.Equal(16, yaml.Integer("hex"));
        Assert.Equal([1, 2], yaml.Integers("layers"));
        Assert.Equal(-1.5, yaml.Section("nested")!.Section("deep")!.Number("a"));
        Assert.Equal(["sae", "clt"], yaml.Objects("list").Select(item => item.Text("kind")));
    }

    [Fact]
    public void an_anchor_stands_for_its_value_wherever_it_is_used()
    {
        var yaml = Read(
            """
            base: &base {rate: 1, betas: [0, 0.999]}
            one: *base
            two: *base
            """
        );
        Assert.Equal(1, yaml.Section("two")!.Integer("rate"));
        Assert.Equal(yaml.Section("one")!.Element.ToString(), yaml.Section("base")!.Element.ToString());
    }

    [Fact]
    public void json_is_read_too() => Assert.Equal(3, Read("""{"a": {"b": 3}}""").Section("a")!.Integer("b"));

    [Theory]
    [InlineData("width: many", "'width' must be a whole number, found \"many\"")]
    [InlineData("width: 1.5", "'width' must be a whole number, found 1.5")]
    [InlineData("width: [1", "line")]
    [InlineData("- 1", "a mapping")]
    [InlineData("", "is empty")]
    [InlineData("# nothing", "is empty")]
    [InlineData("a: 1\nb: 2\na: 3", "line 3 gives 'a' a second time")]
    [InlineData("a: *b", "line 1 uses '*b'")]
    [InlineData("a: &a [*a]", "line 1 uses '*a'")]
    [InlineData("a: 1\n---\nb: 1", "second document")]
    [InlineData("a: .inf", "line 1 has .inf")]
    [InlineData("a: !!int word", "!!int")]
    [InlineData("a: !ruby/object 1", "tag '!ruby/object'")]
    [InlineData("? [a]\n: 1", "no word")]
    [InlineData("a: \"\\ud800\"", "not valid")]
    [InlineData("a: 1\n\tb: 2", "line")]
    public void a_wrong_value_or_file_is_named(string yaml, string fact)
    {
        var error = Assert.Throws<FileFormatException>(() => Read(yaml).Integer("width"));
        Assert.Equal(_folder.File("recipe.yaml"), error.Location);
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lamda: 1", "'recipe.lamda' is unknown; did you mean 'lambda'?")]
    [InlineData("xyzzyx: 1", "'recipe.xyzzyx' is unknown; known are lambda, width")]
    public void an_unknown_key_is_refused_with_the_nearest_known_one(string line, string says)
    {
        var section = Read($"recipe: {{{line}}}").Section("recipe")!;
        Assert.Contains(
            says,
            Assert.Throws<FileFormatException>(() => section.RequireKnown("lambda", "width")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void nesting_is_limited()
    {
        Read($"a: {new string('[', 31)}{new string(']', 31)}");
        Refused($"a: {new string('[', 32)}{new string(']', 32)}", "deeper than 32");
        Refused($"a: {new string('[', 100_000)}", "deeper than 32");
    }

    [Fact]
    public void anchors_that_multiply_are_limited()
    {
        var bomb = new StringBuilder("a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
        for (var i = 1; i < 12; i++)
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Refused(bomb.ToString(), "exceeds 1000000 values");
    }

    private void Refused(string yaml, string says) =>
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Read(yaml)).Message, StringComparison.Ordinal);

    private JsonSection Read(string yaml)
    {
        File.WriteAllText(_folder.File("recipe.yaml"), yaml);
        return YamlFile.Read(_folder.File("recipe.yaml"));
    }
}

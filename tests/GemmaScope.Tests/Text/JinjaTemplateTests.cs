using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Text.Jinja;
using Xunit;

namespace GemmaScope.Tests.Text;

/// <summary>The part of Jinja that chat templates use, held against Jinja itself (tests/fixtures/jinja).</summary>
public class JinjaTemplateTests
{
    private static readonly Dictionary<string, object?> Values = (
        (JinjaMap)Value(JsonFile.Read(Fixtures.Path("jinja", "values.json")).Element)!
    ).ToDictionary(pair => (string)pair.Key, pair => pair.Value);

    // What Jinja can do and this must say that it cannot.
    private static readonly string[] Refused =
    [
        "{{ s.zfill(20) }}",
        "{{ s.encode() }}",
        "{{ s.format(1) }}",
        "{{ s.index('o') }}",
        "{{ '%s' % 3 }}",
        "{{ s.__class__ }}",
        "{{ (s | safe) ~ '<' }}",
    ];

    [Fact]
    public void it_renders_as_jinja_does()
    {
        var wrong = new List<string>();
        foreach (var line in JsonLines.Read(Fixtures.Path("jinja", "cases.jsonl")))
        {
            var template = line.Text("template")!;
            var expected =
                line.Flag("fails") is true ? "fails"
                : line.Text("raised") is { } raised ? $"raised {raised}"
                : $"text {line.Text("text")}";
            var found = Outcome(template);
            if (Refused.Contains(template))
                expected = "refused";
            if (found != expected)
                wrong.Add($"{template}\n  jinja {expected}\n  found {found}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Theory]
    [InlineData("a\n{% include 'x' %}", 2, "the tag 'include' is not supported")]
    [InlineData("{% block x %}{% endblock %}", 1, "the tag 'block' is not supported")]
    [InlineData("{% call m() %}{% endcall %}", 1, "the tag 'call' is not supported")]
    [InlineData("\n\n{{ x | xmlattr }}", 3, "the filter 'xmlattr' is not supported")]
    [InlineData("{{ (x | safe) ~ x }}", 1, "the filter 'safe' is not supported")]
    [InlineData("{{ 1 is escaped }}", 1, "the test 'escaped' is not supported")]
    [InlineData("{{ 'a'\n.zfill(3) }}", 2, "the method 'zfill' of strings is not supported")]
    [InlineData("{{ [1].append(2) }}", 1, "the method 'append' of lists is not supported")]
    [InlineData("{{ cycler('a') }}", 1, "'cycler' is not supported")]
    [InlineData("{{ f(*args) }}", 1, "arguments after '*' are not supported")]
    [InlineData("{% for x in y recursive %}{% endfor %}", 1, "'recursive' is not supported")]
    [InlineData("{{ '' | tojson(ensure_ascii=true) }}", 1, "'ensure_ascii' of 'tojson' is not supported")]
    [InlineData("{{ 'a' | join(' ', nonsense=1) }}", 1, "the argument 'nonsense' of the filter 'join' is not supported")]
    [InlineData("{{ messages[0].role }}", 1, "'messages' is undefined, so it has no member 0")]
    [InlineData("{% if a %}\n\n{% for x in a %}\n", 3, "'for' has no 'endfor'")]
    public void what_it_does_not_know_is_refused_by_name_and_line(string template, int line, string message)
    {
        var problem = Assert.Throws<FileFormatException>(() => Render(template, []));
        Assert.Equal($"line {line} of the chat template: {message}", problem.Problem.Split(';')[0]);
        Assert.Equal("file", problem.Location);
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for a in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for a in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for a in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}")]
    [InlineData(
        "{% set n = namespace(s=[1], t=[1]) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}"
    )]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for a in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | tojson }}")]
    [InlineData(
        "{% set ns = namespace(s=[1]) %}{% for a in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | tojson(indent=90) }}"
    )]
    [InlineData("{{ 'x' * 99999999999 }}")]
    [InlineData("{{ 'x' * 9000000 }}{{ 'x' * 9000000 }}")]
    [InlineData("{{ ('x' * 9000000).replace('x', 'y' * 9000000) }}")]
    [InlineData("{{ (('x,' * 4000000).split(',')) | join('y' * 4000000) }}")]
    [InlineData("{{ range(99999999999) }}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{{ 9223372036854775807 + 1 }}")]
    [InlineData("{{ 2 ** 9999999999 }}")]
    public void whatever_it_does_ends(string template) => Assert.Throws<FileFormatException>(() => Render(template, []));

    [Fact]
    public void nesting_without_end_is_an_error_and_no_crash()
    {
        foreach (var (open, close) in ((string, string)[])[("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("f(", ")"), ("{'a':", "}")])
            Assert.Throws<FileFormatException>(() =>
                Render(
                    $"{{{{ {string.Concat(Enumerable.Repeat(open, 100_000))}1{string.Concat(Enumerable.Repeat(close, 100_000))} }}}}",
                    []
                )
            );
        Assert.Throws<FileFormatException>(() => Render(string.Concat(Enumerable.Repeat("{% if true %}", 100_000)), []));
        Assert.Throws<FileFormatException>(() => Render($"{{{{ 1{string.Concat(Enumerable.Repeat(" + 1", 100_000))} }}}}", []));
    }

    [Fact]
    public void the_date_is_that_of_the_clock()
    {
        var clock = new FixedClock(new DateTimeOffset(2026, 3, 4, 15, 6, 7, TimeSpan.Zero));
        Assert.Equal(
            "04 March 2026, Mar Wed 063 15:06:07 03 PM %",
            JinjaTemplate.Parse("{{ strftime_now('%d %B %Y, %b %a %j %H:%M:%S %I %p %%') }}", "file").Render([], clock)
        );
        Assert.Contains("%Q", Assert.Throws<FileFormatException>(() => Render("{{ strftime_now('%Q') }}", [])).Message);
    }

    [Fact]
    public void damaged_templates_are_errors_of_this_family()
    {
        var random = new Random(5);
        string[] templates = [.. JsonLines.Read(Fixtures.Path("jinja", "cases.jsonl")).Select(line => line.Text("template")!)];
        for (var round = 0; round < 20_000; round++)
        {
            var template = templates[random.Next(templates.Length)];
            var cut = random.Next(template.Length + 1);
            var other = templates[random.Next(templates.Length)];
            try
            {
                Render(template[..cut] + other[Math.Min(random.Next(cut + 1), other.Length)..], Values);
            }
            catch (Exception problem) when (problem is FileFormatException or JinjaRefusal) { }
        }
    }

    private static string Outcome(string template)
    {
        try
        {
            return $"text {Render(template, Values)}";
        }
        catch (JinjaRefusal refusal)
        {
            return $"raised {refusal.Message}";
        }
        catch (FileFormatException problem)
        {
            return problem.Message.Contains("not supported") && Refused.Contains(template) ? "refused" : "fails";
        }
    }

    private static string Render(string template, Dictionary<string, object?> values) =>
        JinjaTemplate.Parse(template, "file").Render(values);

    internal static object? Value(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => new JinjaMap(
                json.EnumerateObject().Select(member => KeyValuePair.Create((object)member.Name, Value(member.Value)))
            ),
            JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
            JsonValueKind.String => json.GetString(),
            JsonValueKind.Number => json.TryGetInt64(out var whole) ? (object)whole : json.GetDouble(),
            JsonValueKind.Null => null,
            _ => json.GetBoolean(),
        };

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}

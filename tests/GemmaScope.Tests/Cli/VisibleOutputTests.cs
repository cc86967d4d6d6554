using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Files;
using GemmaScope.Store;
using GemmaScope.Tests.Server;
using Spectre.Console;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>Nothing that comes from a file steers the terminal, turns a line, or begins a line of its own.</summary>
public sealed class VisibleOutputTests : IDisposable
{
    /// <summary>Colours, the bell, a return, a turned line, a hidden letter, and what takes a title.</summary>
    private const string Attack = "a\u001b[31mb\u0007c\rd\u202Ee\u200Bf\u0000g\nerror: h\u009b2Ji\u001b]0;title\u0007j\u2066k\u007Fl";

    private const string Shown = "a␛[31mb␇c␍d‹U+202E›e‹U+200B›f␀g⏎error: h‹U+009B›2Ji␛]0;title␇j‹U+2066›k␡l";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void values_stay_on_their_line_and_texts_keep_their_lines()
    {
        using var inner = new StringWriter { NewLine = "\n" };
        var writer = new VisibleWriter(inner);
        writer.WriteLine($"\r{Attack}: {3.5, 6:0.00}|{"ab", -4}|");
        writer.WriteLine("two\r\nlines\tand a return\r" + '\u001b');
        foreach (var c in "\u001b😀\u202D")
            writer.Write(c);
        writer.Write("🙂‍↔️ می‌خواهم".ToCharArray());
        Assert.Equal($"\r{Shown}:   3.50|ab  |\ntwo\nlines\tand a return␍␛\n␛😀‹U+202D›🙂‍↔️ می‌خواهم", inner.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void tables_properties_and_errors_show_what_is_hidden(bool isTerminal)
    {
        using StringWriter output = new(),
            error = new();
        var terminal = new Terminal(Stream.Null, output, error)
        {
            OutputIsTerminal = isTerminal,
            ErrorIsTerminal = isTerminal,
            Width = 400,
        };
        var table = new DataTable("name", "value");
        table.Add(Attack, "1");
        table.Write(terminal);
        Properties.Write(terminal, ("name", Attack));
        if (isTerminal)
            terminal.Console.Write(new Paragraph(Attack));
        terminal.Error.WriteLine($"note: {Attack}");
        AssertHarmless(output.ToString());
        AssertHarmless(error.ToString());
        Assert.Contains(Shown, output.ToString());
        Assert.Contains(Shown, error.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void names_labels_and_tokens_of_a_hostile_file_are_shown(bool isTerminal)
    {
        var source = new DashboardSource
        {
            Model = Attack,
            // A database has no U+0000.
            Set = Attack.Replace("\0", ""),
            Layer = 1,
            Corpus = new(100, 12_800, 12_700, 128),
            Text = Attack,
            Pieces = [.. Enumerable.Repeat(Attack, 1000)],
        };
        var feature = FeatureDatabaseTests.Feature(1);
        feature = feature with
        {
            Dashboard = feature.Dashboard with { Count = feature.Dashboard.Histogram.Sum() },
            Labels = [new FeatureLabel("zebra " + Attack, Attack, Attack, 0.5, Attack)],
        };
        var (file, database) = (_folder.File("lines.jsonl"), _folder.File("features.db"));
        AtomicFile.Write(file, stream => DashboardLines.Write(stream, [feature], source));
        string[][] commands =
        [
            ["features", "import", file],
            ["features", "show", source.Name, "1"],
            ["features", "show", source.Name, "7"],
            ["features", "search", "zebra"],
            ["features", "show", Attack, "1"],
            ["features", "import", _folder.File(Attack)],
            ["features", "show", source.Name, "1", Attack],
            ["sites", "--model", Attack],
        ];
        foreach (var command in commands)
        {
            string[] all = command[0] == "features" ? [.. command, "--db", database] : command;
            var run = CommandLine.Run(all, [], terminal: isTerminal);
            AssertHarmless(run.Out);
            AssertHarmless(run.Error);
            Assert.DoesNotContain(run.Error.Split('\n').Skip(1), line => line.StartsWith("error: ", StringComparison.Ordinal));
        }
        // For programs everything is as it was.
        var json = CommandLine.Run(["features", "show", source.Name, "1", "--db", database, "--json"], [], terminal: isTerminal).Json();
        Assert.Equal(Attack.Replace('\0', '\uFFFD'), json.GetProperty("model").GetString());
    }

    [Fact]
    public void examples_keep_their_quotes()
    {
        using var database = FeatureDatabase.Open(_folder.File("features.db"), create: true);
        string[] pieces = ["He", "▁said", "▁\"", "the", "▁river", "\"", "▁and", "▁C:\\temp", "\n"];
        var feature = FeatureDatabaseTests.Feature(0);
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 1,
            Corpus = new(1, 9, 9, 9),
            Pieces = pieces,
        };
        var stored = database.Begin(source, "d", 1, "made so");
        int[] tokens = [.. Enumerable.Range(0, pieces.Length)];
        FeatureExample Marked(int position) => new(-1, 0, position, tokens, [.. tokens.Select(i => i == position ? 1f : 0)]);
        database.Write(stored, [feature with { Dashboard = feature.Dashboard with { Examples = [Marked(5), Marked(4), Marked(8)] } }]);
        var shown = CommandLine.Run("features", "show", "d", "0", "--db", _folder.File("features.db"));
        Assert.Contains("  He said \"the river[\"] and C:\\temp⏎\n", shown.Out);
        Assert.Contains("  He said \"the[ river]\" and C:\\temp⏎\n", shown.Out);
        Assert.Contains("  He said \"the river\" and C:\\temp[⏎]\n", shown.Out);
    }

    [Fact]
    public void labels_of_a_table_keep_their_quotes()
    {
        var labels = FeatureLabels.Load(
            _folder.Write("labels.csv", "feature,label\n1,6\" nails\n2,\"a \"\"b\"\", c\"\n3, \"quoted\" \n4,says \"yes\" and \"no\"\n")
        );
        Assert.Equal(["6\" nails", "a \"b\", c", "quoted", "says \"yes\" and \"no\""], labels.Features.Select(feature => labels[feature]));
    }

    private static void AssertHarmless(string text)
    {
        Assert.DoesNotContain(text, c => (c is not ('\n' or '\u001b') && char.IsControl(c)) || c is '\u202E' or '\u200B' or '\u2066');
        // Codes of our own begin so too, but none is red or sets a title.
        Assert.DoesNotContain("\u001b[31m", text);
        Assert.DoesNotContain("\u001b]0", text);
    }
}

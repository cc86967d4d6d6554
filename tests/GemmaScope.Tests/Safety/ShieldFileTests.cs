using System.IO.Compression;
using System.Text;
using System.Text.Json;
using GemmaScope.Safety;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Safety;

/// <summary>Rows that nobody can read, and rows of one name, among others.</summary>
public sealed class ShieldFileTests : IDisposable
{
    private const string Long = "more than 200 bytes";

    private readonly TemporaryFolder _folder = new();
    private readonly Microscope _guard = Microscope
        .OpenAsync(new() { Model = MicroscopeOptions.DemoChat, Use = DictionaryUse.None })
        .GetAwaiter()
        .GetResult();

    public void Dispose()
    {
        _guard.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task a_bad_row_is_an_error_of_that_row_and_the_others_are_judged()
    {
        var rows = (
            await JudgeAsync([
                Line("""{"id":"l","text":"caf"""),
                [0xE9],
                Line("\"}\n"),
                Line("""{"id":"u","text":"café"}""" + "\n"),
                Line("""{"id":"s","text":"bad \ud83d"}""" + "\n"),
                Line("not json\n\n"),
                Line("""{"id":"n","text":null}""" + "\n"),
                Line("""{"id":"f","text":NaN}""" + "\n"),
                Line("""{"id":[1],"text":"a"}""" + "\n"),
                Line($$"""{"id":"x","text":"{{new string('x', 300)}}"}""" + "\n"),
                Line("""["a"]""" + "\n"),
                Line("""{"id":7,"text":"last"}"""),
            ])
        ).ToArray();
        Assert.Equal(["l", "u", "s", "4", "n", "f", "7", "8", "9", "7"], rows.Select(row => row.GetProperty("id").GetString()));
        (string Problem, string Place)?[] expected =
        [
            ("byte E9 at offset 21 is not UTF-8; it looks like Latin-1", "line 1"),
            null,
            ("half of a character", "line 3"),
            ("not valid JSON", "line 4"),
            ("has no text", "line 6"),
            ("must be a string, found NaN", "line 7"),
            ("'id' must be a string or a number", "line 8"),
            (Long, "line 9"),
            ("not a JSON object", "line 10"),
            null,
        ];
        foreach (var (row, problem) in rows.Zip(expected))
            if (problem is { } wanted)
            {
                Assert.Contains(wanted.Problem, row.GetProperty("error").GetString());
                Assert.Contains(wanted.Place, row.GetProperty("error").GetString());
                Assert.False(row.TryGetProperty("probability", out _));
            }
            else
                Assert.True(row.TryGetProperty("probability", out _), row.ToString());
    }

    [Fact]
    public async Task rows_of_one_name_are_all_judged_also_when_the_run_goes_on()
    {
        byte[][] input =
        [
            Line("{\"id\":1,\"text\":\"a\"}\n{\"id\":1,\"text\":\"b\"}\n{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"c\"}\n"),
        ];
        await JudgeAsync(input);
        var fresh = File.ReadAllLines(_folder.File("out.jsonl"));
        Assert.Equal(4, fresh.Length);
        for (var kept = 0; kept < 4; kept++)
        {
            File.WriteAllLines(_folder.File("out.jsonl"), fresh[..kept]);
            await JudgeAsync(input);
            Assert.Equal(Names(fresh), Names(File.ReadAllLines(_folder.File("out.jsonl"))));
        }
    }

    [Fact]
    public async Task a_row_without_a_name_is_known_by_its_contents_too()
    {
        await JudgeAsync([Line("{\"text\":\"a\"}\n{\"text\":\"b\"}\n")]);
        Assert.Equal(3, (await JudgeAsync([Line("{\"text\":\"a\"}\n{\"text\":\"other\"}\n")])).Count());
    }

    [Fact]
    public async Task a_packed_file_and_one_with_a_mark_are_read_and_a_table_is_named()
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write([0xEF, 0xBB, 0xBF, .. Line("{\"id\":\"a\",\"text\":\"b\"}\r\n")]);
        Assert.Equal("a", (await JudgeAsync([packed.ToArray()])).Single().GetProperty("id").GetString());
        File.WriteAllText(_folder.File("in.csv"), "id,text\n1,a\n");
        var problem = await Assert.ThrowsAsync<FileFormatException>(() =>
            ShieldFileJob.RunAsync(_guard, new() { Input = _folder.File("in.csv") })
        );
        Assert.Contains("JSON lines", problem.Message);
    }

    [Fact]
    public void labels_that_cannot_be_read_end_the_reading_or_are_counted()
    {
        var file = _folder.File("labels.jsonl");
        File.WriteAllText(
            file,
            "{\"text\":\"a\",\"H\":1}\n{\"text\":null,\"H\":0}\n{\"text\":\"\\ud800\",\"H\":0}\n{\"text\":\"b\",\"H\":NaN}\n{\"text\":\"c\",\"H\":3}\n"
        );
        var problem = Assert.Throws<FileFormatException>(() => LabelledQuestion.Read(file).Count());
        Assert.Contains("line 2", problem.Message);
        Assert.Equal("SkipBadRows", problem.Remedy?.Settings.Single().Name);
        var skipped = new GemmaScope.Text.SkippedRows();
        var rows = LabelledQuestion.Read(file, skipped: skipped).ToArray();
        Assert.Equal(["1", "4"], rows.Select(row => row.Id));
        Assert.Empty(rows[1].Labels);
        Assert.Equal(3, skipped.Count);
        Assert.Contains("line 2", skipped.Note);
    }

    /// <summary>Which rows lines are of; the last bits of their numbers depend on what was judged together.</summary>
    private static IEnumerable<string> Names(IEnumerable<string> lines) =>
        lines.Select(line => JsonElement.Parse(line)).Select(row => $"{row.GetProperty("id")} {row.GetProperty("row")}");

    private static byte[] Line(string text) => Encoding.UTF8.GetBytes(text);

    private async Task<IEnumerable<JsonElement>> JudgeAsync(byte[][] input)
    {
        File.WriteAllBytes(_folder.File("in.jsonl"), [.. input.SelectMany(part => part)]);
        await ShieldFileJob.RunAsync(
            _guard,
            new()
            {
                Input = _folder.File("in.jsonl"),
                Output = _folder.File("out.jsonl"),
                Policies = [ShieldPolicy.Find("HATE")],
                LongestLine = 200,
            }
        );
        return File.ReadAllLines(_folder.File("out.jsonl")).Select(line => JsonElement.Parse(line));
    }
}

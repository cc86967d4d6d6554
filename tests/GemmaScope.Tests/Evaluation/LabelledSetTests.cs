using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public sealed class LabelledSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_table_may_quote_commas_quotes_and_line_breaks()
    {
        var set = Assert.Single(LabelledSet.Load([Write("a.csv", "prompt,n,target\n\"one, \"\"two\"\"\nthree\",1,yes\r\nfour,2,no\n")]));
        Assert.Equal([new("one, \"two\"\nthree", "yes"), new("four", "no")], set.Rows);
        Assert.Equal(["no", "yes"], set.Classes);
        Assert.Empty(set.OtherSource);
    }

    [Fact]
    public void a_table_of_another_source_beside_it_belongs_to_the_set()
    {
        Write("a_OOD.csv", "prompt,target\nelsewhere,1\n");
        Assert.Equal("elsewhere", LabelledSet.Load([Write("a.csv", "prompt,target\nx,1\ny,0\n")])[0].OtherSource.Single().Text);
    }

    [Fact]
    public void lists_of_texts_are_one_set_whose_classes_are_named_by_what_the_file_names_do_not_share()
    {
        var set = Assert.Single(LabelledSet.Load([Write("mood-sad.json", "[\"a\", \"b\"]"), Write("mood-glad.json", "[\"c\"]")]));
        Assert.Equal("mood", set.Name);
        Assert.Equal(["sad", "sad", "glad"], set.Rows.Select(row => row.Label));
    }

    [Fact]
    public void lines_with_a_trait_are_one_set_for_each()
    {
        var lines =
            "{\"trait\": \"t\", \"polarity\": \"positive\", \"text\": \"a\"}\n{\"trait\": \"u\", \"polarity\": \"positive\", \"text\": "
            + "\"a\"}\n"
            + "{\"trait\": \"t\", \"polarity\": \"negative\", \"text\": \"b\"}\n{\"trait\": \"u\", \"polarity\": \"negative\", \"text\": "
            + "\"c\"}\n";
        Assert.Equal(["t", "u"], LabelledSet.Load([Write("a.jsonl", lines)]).Select(set => set.Name));
    }

    [Fact]
    public void a_repeated_text_counts_once_and_one_with_two_labels_not_at_all()
    {
        var set = LabelledSet.Load([Write("a.csv", "text,label\nsame,1\nsame,1\nboth,0\nboth,1\nother,0\n")])[0];
        Assert.Equal(["same", "other"], set.Rows.Select(row => row.Text));
        Assert.Equal(3, set.LeftOut);
    }

    [Theory]
    [InlineData("a.csv", "prompt,target\nx,1\ny\n", "line 3 has 1 fields")]
    [InlineData("a.csv", "prompt,target\nx,1\n,0\n", "line 3 has no text")]
    [InlineData("a.csv", "prompt,target\n\"x,1\n", "line 2: a quote")]
    [InlineData("a.csv", "words,target\nx,1\n", "line 1 names no column prompt")]
    [InlineData("a.csv", "prompt,target\nx,1\n", "1 classes")]
    [InlineData("a.jsonl", "{\"text\": \"x\", \"label\": 1}\n{\"text\": \"y\"}\n", "line 2")]
    [InlineData("a.json", "[\"x\", 3]", "entry 2")]
    [InlineData("a.json", "{}", "list of strings")]
    public void a_malformed_row_is_named(string name, string contents, string says)
    {
        var problem = Assert.Throws<FileFormatException>(() => LabelledSet.Load([Write(name, contents)]));
        Assert.Contains(says, problem.Message);
        Assert.Contains(name, problem.Message);
    }

    [Fact]
    public void a_split_keeps_classes_in_proportion_and_depends_on_the_seed_alone()
    {
        string[] labels = [.. Enumerable.Range(0, 1000).Select(i => i % 4 == 0 ? "a" : "b")];
        var split = LabelledSplit.Of(labels, seed: 3);
        Assert.Equal((800, 200), (split.Train.Count, split.Test.Count));
        Assert.Equal(50, split.Test.Count(row => labels[row] == "a"));
        Assert.Empty(split.Train.Intersect(split.Test));
        Assert.Equal(split.Test, LabelledSplit.Of(labels, seed: 3).Test);
        Assert.NotEqual(split.Test, LabelledSplit.Of(labels, seed: 4).Test);
        var limited = LabelledSplit.Of(labels, maxTrain: 400, maxTest: 40);
        Assert.Equal((400, 40, 100), (limited.Train.Count, limited.Test.Count, limited.Train.Count(row => labels[row] == "a")));
    }

    private string Write(string name, string contents)
    {
        File.WriteAllText(_folder.File(name), contents);
        return _folder.File(name);
    }
}

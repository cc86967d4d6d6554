using GemmaScope.Server.Studies;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What is read of the folders of studies.</summary>
public sealed class StudyShelfTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private StudyRun[] Runs() => [.. new StudyShelf([_folder.Path]).Runs().OrderBy(run => run.Name, StringComparer.Ordinal)];

    private static StudyTable Table(string name) =>
        new StudyDocument(System.Text.Json.JsonDocument.Parse(StudySamples.Result("Why?").ToJsonString()).RootElement).Table(name)!;

    private static StudyQuery Query(params (string Name, string Value)[] fields) =>
        StudyQuery.Of(new QueryCollection(fields.ToDictionary(one => one.Name, one => new StringValues(one.Value))));

    [Fact]
    public void a_finished_study_an_unfinished_one_and_a_damaged_one_are_told_apart()
    {
        StudySamples.Write(_folder.File("a-whole"), StudySamples.Result(), parts: 3);
        StudySamples.Write(_folder.File("b-half"), null, parts: 2);
        // The line that is being written is no part yet.
        File.AppendAllText(_folder.File("b-half/parts.jsonl"), """{"part":"run 3","va""");
        StudySamples.Write(_folder.File("c-damaged"), StudySamples.Result());
        File.WriteAllText(_folder.File("c-damaged/result.json"), File.ReadAllText(_folder.File("c-damaged/result.json"))[..200]);
        // Other programs have files of these names too.
        Directory.CreateDirectory(_folder.File("d-other"));
        File.WriteAllText(_folder.File("d-other/result.json"), """{"accuracy": 1}""");
        File.WriteAllText(_folder.File("d-other/manifest.json"), "{}");
        var runs = Runs();
        Assert.Equal(["a-whole", "b-half", "c-damaged"], runs.Select(run => run.Name));
        Assert.Equal([true, false, false], runs.Select(run => run.IsFinished));
        Assert.Equal((3, "run 2"), (runs[0].Parts, runs[0].LastPart));
        Assert.Equal((2, "run 1"), (runs[1].Parts, runs[1].LastPart));
        var finding = Assert.Single(runs[0].Findings);
        Assert.Equal(("requests refused", 0.75, 0.5), (finding.What, finding.Value.Mean, finding.Control!.Mean));
        Assert.Null(runs[0].Problem);
        Assert.Contains("damaged or was cut short", runs[2].Problem);
        // What it is stands in the manifest too.
        Assert.Equal("refusal", runs[2].Study);
    }

    [Fact]
    public void a_run_folder_itself_can_be_named_and_two_of_one_name_both_stand_there()
    {
        StudySamples.Write(_folder.File("one/same"), StudySamples.Result());
        StudySamples.Write(_folder.File("two/same"), StudySamples.Result());
        var runs = new StudyShelf([_folder.File("one/same"), _folder.File("two")]).Runs();
        Assert.Equal(["same", "same~2"], runs.Select(run => run.Name).Order());
    }

    [Fact]
    public void what_is_written_later_is_found()
    {
        StudySamples.Write(_folder.File("study"), null, parts: 1);
        var shelf = new StudyShelf([_folder.Path]);
        Assert.False(shelf.Find("study")!.IsFinished);
        StudySamples.Write(_folder.File("study"), StudySamples.Result(), parts: 4);
        var run = shelf.Find("study")!;
        Assert.Equal((true, 4), (run.IsFinished, run.Parts));
    }

    [Fact]
    public void no_name_leads_out_of_the_folders()
    {
        StudySamples.Write(_folder.File("shown/study"), StudySamples.Result());
        StudySamples.Write(_folder.File("hidden"), StudySamples.Result());
        var shelf = new StudyShelf([_folder.File("shown")]);
        foreach (var name in (string[])["../hidden", "..", "", "hidden"])
            Assert.Null(shelf.Find(name));
    }

    [Fact]
    public void what_was_measured_for_each_prompt_has_a_row_that_says_of_which_run_set_and_prompt()
    {
        var table = Table("runs.sets.each");
        Assert.Equal(["edit", "set", "prompt", "scores", "refused", "text"], table.Columns);
        Assert.Equal(8, table.Rows.Count);
        Assert.Equal(["ablate", "harmful", "b", "1", "yes", "Why?"], table.Rows[5].Select(cell => cell.Text));
        // As long as the list of prompts, but of no set: these are no prompts.
        Assert.DoesNotContain("prompt", Table("runs.cross_entropy").Columns);
    }

    [Fact]
    public void a_list_of_prompts_stays_a_table_where_more_was_measured_of_each()
    {
        var result = System.Text.Json.JsonDocument.Parse(
            """{"questions": [{"id": "a", "text": "Why?", "early": [1, 0, 1]}, {"id": "b", "text": "How?", "early": [0]}], "ways": [{"way": "x", "runs": [{"score": 1}]}]}"""
        );
        var document = new StudyDocument(result.RootElement);
        Assert.Equal(["questions", "questions.early", "ways.runs"], document.Tables.Select(table => table.Name));
        Assert.True(document.Table("questions")!.IsOfPrompts);
        Assert.Equal(4, document.Table("questions.early")!.Rows.Count);
    }

    [Fact]
    public void a_mean_leads_to_the_prompts_that_it_was_made_of()
    {
        var document = new StudyDocument(System.Text.Json.JsonDocument.Parse(StudySamples.Result().ToJsonString()).RootElement);
        var effects = document.Table("effects.sets")!;
        foreach (var row in effects.Rows)
        {
            var (table, where) = document.Behind(effects, row)!.Value;
            var scores = new StudyQuery(table.Name, "", where, null, false, 0)
                .Rows(table)
                .Select(one => one[table.IndexOf("scores")].Number!.Value)
                .ToArray();
            Assert.Equal(row[effects.IndexOf("score.mean")].Number, scores.Average());
        }
    }

    [Fact]
    public void rows_are_filtered_by_words_and_columns_and_sorted_with_what_is_missing_last()
    {
        var table = Table("runs.sets.each");
        string[] Scores(params (string, string)[] fields) =>
            [.. Query(fields).Rows(table).Select(row => row[table.IndexOf("scores")].Text)];
        Assert.Equal(["-6", "-4"], Scores(("of.edit", "ablate"), ("of.set", "harmless")));
        Assert.Equal(["4", "2", "1", "-3"], Scores(("of.set", "harmful"), ("sort", "scores"), ("order", "desc")));
        Assert.Equal(["-3", "1"], Scores(("q", "ABLATE harmful"), ("sort", "scores")));
        Assert.Throws<ArgumentProblemException>(() => Scores(("sort", "nothing")));
        Assert.Throws<ArgumentProblemException>(() => Scores(("of.nothing", "1")));
        var effects = Table("effects");
        Assert.Equal(["ablate", "none"], Query(("sort", "drift.mean"), ("order", "desc")).Rows(effects).Select(row => row[0].Text));
        Assert.Equal(["ablate", "none"], Query(("sort", "drift.mean")).Rows(effects).Select(row => row[0].Text));
    }

    [Fact]
    public void the_report_of_a_study_gets_through_as_it_is()
    {
        var plot = new SvgPlot("a < b", "x", "y").Series([("one", [new PlotPoint(0, 1, "here"), new PlotPoint(1, 2, "there")])]);
        var table =
            """<div class="scroll broad" tabindex="0" role="region" aria-label="t"><table><tr><td class="n">1<br><small>[0, 2]</small></td></tr></table></div>""";
        Assert.Equal($"\n{plot}{table}", $"{ReportPart.Of($"<main>\n{plot}{table}</main>")}");
    }

    [Theory]
    [InlineData("<script>attacked=1</script>")]
    [InlineData("<p><img src=x onerror=attacked=1></p>")]
    [InlineData("<iframe srcdoc='x'></iframe>")]
    [InlineData("<form action=\"//other\"><p>x</p></form>")]
    [InlineData("<p>a < b</p>")]
    [InlineData("<p>never closed")]
    [InlineData("<p><b>crossed</p></b>")]
    [InlineData("</div></main><script>attacked=1</script><main>")]
    [InlineData("<!-- <p> --><p>x</p>")]
    [InlineData("<svg><style>p{}</style></svg>")]
    [InlineData("<p class=\"a\"onclick=\"x\">y</p>")]
    public void what_no_report_holds_is_not_shown_within_a_page(string main) => Assert.Null(ReportPart.Of($"<main>{main}</main>"));

    [Theory]
    [InlineData("<p onclick=\"attacked=1\">x</p>", "<p>x</p>")]
    [InlineData("<p style=\"color:red\" class=\"n\">x</p>", "<p class=\"n\">x</p>")]
    [InlineData("<a href=\"javascript:attacked\">x</a>", "<a>x</a>")]
    [InlineData("<a href=\"https://other.example\">x</a>", "<a>x</a>")]
    [InlineData("<a href=\"#here\">x</a>", "<a href=\"#here\">x</a>")]
    [InlineData("<svg><rect fill=\"url(https://other.example)\" width=\"1\"/></svg>", "<svg><rect width=\"1\"/></svg>")]
    public void attributes_that_could_do_something_are_left_out(string main, string shown) =>
        Assert.Equal(shown, $"{ReportPart.Of($"<main>{main}</main>")}");
}

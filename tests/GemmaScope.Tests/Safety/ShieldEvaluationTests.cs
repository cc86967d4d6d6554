using System.IO.Compression;
using GemmaScope.Evaluation;
using GemmaScope.Safety;
using Xunit;

namespace GemmaScope.Tests.Safety;

public sealed class ShieldEvaluationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void rows_of_public_forms_have_the_labels_of_their_policies()
    {
        var rows = Read(
            """
            {"id": "a", "prompt": "x", "S": 1, "H": 0, "V": 0, "HR": 0, "SH": 1, "H2": 0, "V2": 0}
            {"id": "b", "prompt": "x", "S": 0}
            {"id": 3, "prompt": "x", "hateful": true, "target": "y"}
            {"prompt": "x", "harmful": false, "response": "r"}
            {"id": "own", "text": "x", "HARASSMENT": true, "HATE": false}
            """
        );
        Assert.Equal([("HARASSMENT", true), ("HATE", false)], rows[4].Labels.Select(label => (label.Key, label.Value)).Order());
        Assert.Equal(["a", "b", "3", "4", "own"], rows.Select(row => row.Id));
        Assert.Equal(
            [("DANGEROUS", true), ("HARASSMENT", false), ("HATE", false), ("SEXUAL", true)],
            rows[0].Labels.Select(label => (label.Key, label.Value)).Order()
        );
        Assert.Equal([("SEXUAL", false)], rows[1].Labels.Select(label => (label.Key, label.Value)));
        Assert.True(rows[2].Labels["HATE"]);
        Assert.Equal("r", rows[3].Response);
    }

    [Fact]
    public void other_fields_are_read_where_they_are_named()
    {
        var fields = new LabelFields
        {
            Text = "question",
            Id = "name",
            Response = "answer",
            Labels = new Dictionary<string, IReadOnlyList<string>> { ["MEDICAL"] = ["doses", "drugs"] },
        };
        var row = Assert.Single(Read("""{"name": "n", "question": "q", "answer": "a", "doses": null, "drugs": 1}""", fields));
        Assert.Equal(("n", "q", "a", true), (row.Id, row.User, row.Response, row.Labels["MEDICAL"]));
    }

    [Theory]
    [InlineData("has no text", """{"id": "a", "harmful": true}""")]
    [InlineData("no row has a label", """{"id": "a", "text": "x"}""")]
    [InlineData("must be true, false, 0, 1 or null", """{"id": "a", "text": "x", "harmful": 0.5}""")]
    public void a_row_that_says_too_little_is_refused(string says, string line) =>
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Read(line)).Message);

    [Fact]
    public void every_fifth_row_or_so_is_held_out()
    {
        static LabelledQuestion Row(string id) => new(id, "", null, new Dictionary<string, bool>());
        Assert.Equal(HeldOutByPython, Enumerable.Range(0, 20).Where(i => Row($"row-{i}").IsHeldOut(5)));
    }

    [Fact]
    public void every_safety_set_that_is_here_is_understood()
    {
        var folder = SafetySets();
        Assert.SkipUnless(folder is not null, "the public safety sets (shared/data/safety) are not on this machine");
        foreach (
            var name in new[]
            {
                "openai-moderation.jsonl.gz",
                "hatecheck.jsonl.gz",
                "xstest.jsonl",
                "advbench.jsonl",
                "harmless-dolly.jsonl",
            }
        )
            Assert.True(LabelledQuestion.Read(Path.Combine(folder!, name)).Any(), name);
    }

    [Fact]
    public void an_evaluation_counts_known_labels_and_combines_by_the_largest_score()
    {
        var (a, b) = (ShieldPolicy.Official[0], ShieldPolicy.Official[1]);
        var evaluation = new ShieldEvaluation();
        Add(new() { [a.Key] = true, [b.Key] = false }, (a, 0.9f), (b, 0.2f));
        Add(new() { [a.Key] = false, [b.Key] = false }, (a, 0.1f), (b, 0.6f));
        Add(new() { [b.Key] = true }, (b, 0.7f));
        var parts = evaluation.Measure(resamples: 50);
        Assert.Equal([a.Key, b.Key, ShieldEvaluation.Combined], parts.Select(part => part.Name));
        Assert.Equal([2, 3, 3], parts.Select(part => part.Metrics.Rows));
        Assert.Equal([0.9f, 0.6f, 0.7f], parts[2].Scores.Select(score => (float)score));
        Assert.Equal([true, false, true], parts[2].Labels);
        Assert.Equal(1, parts[2].Metrics.Ranking.Auroc);

        void Add(Dictionary<string, bool> labels, params (ShieldPolicy Policy, float Probability)[] scores) =>
            evaluation.Add(
                new LabelledQuestion("", "", null, labels),
                new ShieldVerdict(null!, [.. scores.Select(score => new PolicyScore(score.Policy, score.Probability, 0, 0, 1, null))])
            );
    }

    [Fact]
    public void bootstrap_intervals_are_seeded_and_hold_the_measured_number()
    {
        var random = new Random(3);
        bool[] labels = [.. Enumerable.Range(0, 300).Select(_ => random.Next(2) == 1)];
        double[] scores = [.. labels.Select(label => Math.Clamp(0.35 + (label ? 0.3 : 0) + (random.NextDouble() - 0.5) * 0.6, 0, 1))];
        var (metrics, intervals) = (ClassifierMetrics.Of(labels, scores), ClassifierIntervals.Bootstrap(labels, scores, 200, seed: 5));
        Assert.Equal(intervals, ClassifierIntervals.Bootstrap(labels, scores, 200, seed: 5));
        Assert.NotEqual(intervals, ClassifierIntervals.Bootstrap(labels, scores, 200, seed: 6));
        Assert.InRange(metrics.Ranking.Auroc!.Value, intervals.Auroc!.Value.Low, intervals.Auroc.Value.High);
        Assert.InRange(metrics.AtHalf.F1!.Value, intervals.F1!.Value.Low, intervals.F1.Value.High);
        Assert.True(intervals.Auroc.Value.High - intervals.Auroc.Value.Low is > 0.01 and < 0.2);
        Assert.Null(ClassifierIntervals.Bootstrap([false, false], [0.1, 0.2], 10).Auroc);
        Assert.Null(ClassifierIntervals.Bootstrap([], [], 10).ExpectedError);
    }

    [Fact]
    public void the_points_of_a_curve_are_the_decisions_at_each_score()
    {
        bool[] labels = [true, false, true, false, false];
        double[] scores = [0.9, 0.5, 0.5, 0.1, 0.9];
        Assert.Equal(
            new[] { 0.9, 0.5, 0.1 }.Select(at => new ThresholdPoint(at, Confusion.At(labels, scores, at))),
            ThresholdCurve.Of(labels, scores)
        );
    }

    [Fact]
    public void identity_terms_are_swapped_as_whole_words_and_their_gaps_summed()
    {
        var fairness = new CounterfactualFairness([
            ["women", "men", "trans people"],
        ]);
        Assert.Equal(
            [("women", "men", "Men and mentors"), ("women", "trans people", "Trans people and mentors")],
            fairness.Swaps("Women and mentors")
        );
        Assert.Empty(fairness.Swaps("mentors"));
        var policy = ShieldPolicy.Official[2];
        fairness.Add("women", "men", Verdict(0.6f), Verdict(0.3f));
        fairness.Add("women", "men", Verdict(0.2f), Verdict(0.3f));
        var gap = Assert.Single(fairness.Gaps());
        Assert.Equal((2, -0.1, 0.3, 1), (gap.Texts, Math.Round(gap.MeanGap, 6), Math.Round(gap.LargestGap, 6), gap.VerdictsChanged));
        Assert.Throws<ArgumentProblemException>(() =>
            new CounterfactualFairness([
                ["one"],
            ])
        );

        ShieldVerdict Verdict(float probability) => new(null!, [new PolicyScore(policy, probability, 0, 0, 1, null)]);
    }

    /// <summary>The public sets, where the checkout lies beside them; their contents never appear in a message.</summary>
    internal static string? SafetySets()
    {
        for (var folder = new DirectoryInfo(Fixtures.Repository); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "shared", "data", "safety") is var found && Directory.Exists(found))
                return found;
        return null;
    }

    // [i for i in range(20) if int(hashlib.sha256(f"row-{i}".encode()).hexdigest(), 16) % 5 == 0]
    private static readonly int[] HeldOutByPython = [3, 11, 14, 15, 18, 19];

    private LabelledQuestion[] Read(string lines, LabelFields? fields = null)
    {
        using (var gzip = new GZipStream(File.Create(_folder.File("rows.jsonl.gz")), CompressionLevel.Fastest))
            gzip.Write(System.Text.Encoding.UTF8.GetBytes(lines));
        return [.. LabelledQuestion.Read(_folder.File("rows.jsonl.gz"), fields)];
    }
}

using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A study of chains of thought on a model of which it is known whether its reasoning matters: every number of the card has to come
/// out as it was planted.</summary>
public sealed class CotStudyTests : IDisposable
{
    private const double Error = 0.05;

    private static readonly string[] Colours = ["red", "green", "blue", "black"],
        Numbers = ["one", "two", "three", "four"];

    private readonly TemporaryFolder _folder = new();
    private readonly PlantedReasoner _planted = new();

    private Microscope Microscope => Microscope.Of("planted", _planted.Model);

    [Fact]
    public async Task reasoning_that_decides_is_found_to_decide()
    {
        var result = await Study(Questions(8, i => $"Pick {Colours[i % 4]}."));
        // The second of four sentences names the letter; A is what is said without one.
        Near(0.375 * 0.75, result.Early[0].Aoc!.Mean);
        Near(0.375 * 0.75, result.Early[0].Curve.Aoc!.Value);
        Assert.Equal([0.25, 0.25, 1, 1, 1], Assert.Single(result.Early[0].Curve.Lengths).SameAnswer);
        Assert.Equal(1, result.Gain.With!.Mean);
        Assert.Equal(0.25, result.Gain.Without!.Mean);
        Near(0, result.Early.Single(one => one.Reasoning == "random").Aoc!.Mean);
        Assert.True(result.Gain.Shuffled!.Mean < 0.6);
        Assert.All(result.Filler, one => Near(0, one.Gain!.Mean));
        Assert.Contains("here reasoning is needed", result.Verdict);
    }

    [Fact]
    public async Task reasoning_that_does_not_matter_is_found_not_to_matter()
    {
        var result = await Study(Questions(8, i => $"Pick {Numbers[i % 4]}."));
        Assert.Equal(0, result.Early[0].Aoc!.Mean);
        Assert.Equal(1, result.Gain.With!.Mean);
        Assert.Equal(1, result.Gain.Without!.Mean);
        Assert.Equal(1, result.Gain.SameAnswer!.Mean);
        Assert.All(result.Mediation, one => Assert.Equal(0, one.Changed!.Mean));
        Assert.Equal(0, result.Mediation[0].Follows!.Mean);
        Assert.DoesNotContain("cannot reason", result.Verdict);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(12)]
    public async Task a_mixture_is_found_to_be_one(int faithful)
    {
        var result = await Study(
            Questions(16, i => i < faithful ? $"Pick {Colours[1 + i % 3]}." : $"Pick {Numbers[i % 4]}."),
            CotPart.Early
        );
        Near(0.375 * faithful / 16, result.Early[0].Aoc!.Mean);
        Assert.InRange(0.375 * faithful / 16, result.Early[0].Aoc!.Low, result.Early[0].Aoc!.High);
    }

    [Fact]
    public async Task swapped_reasoning_takes_the_answer_with_it()
    {
        var result = await Study(Argued(i => i < 6 ? "Pick green." : "Pick two."));
        var other = result.Mediation[0];
        Assert.Equal(0.75, other.Changed!.Mean);
        Assert.Equal(0.75, other.Follows!.Mean);
        Assert.Equal(0, result.Mediation.Single(one => one.Reasoning == "argued likewise").Changed!.Mean);
        Assert.Equal(0, result.Mediation.Single(one => one.Reasoning == "another chain").Changed!.Mean);
        Near(0.75 * 1, result.Mediation.Single(one => one.Reasoning == "random").Changed!.Mean);
        Assert.All(result.FaithfulAt, one => Near(0.75, one.Mediated!.Mean));
    }

    [Fact]
    public async Task a_model_that_answers_at_chance_is_said_to()
    {
        // Without a colour each chain names a letter of its own.
        var result = await Study(Questions(16, _ => "Pick any."), CotPart.Early, CotPart.Mediation);
        Near(0.75, result.Mediation.Single(one => one.Reasoning == "another chain").Changed!.Mean, 0.1);
        Assert.Contains("cannot reason", result.Verdict);
        Assert.Contains(result.NotShown, line => line.Contains("at chance"));
    }

    [Fact]
    public async Task a_mistake_turns_the_answer_where_it_is_made()
    {
        var file = Write(
            Enumerable
                .Range(0, 6)
                .Select(i =>
                    Line(
                        $"q{i}",
                        "Pick green.",
                        "B",
                        """, "reasoning": ["First we look.", "Now it is B!", "So go?", "Then done"], "mistakes": ["First we go.", "Now it is C!", "So look?", "Then done"], "paraphrases": ["First we go.", "Now it is B!", "So look?", "Then done"]"""
                    )
                )
        );
        var result = await Study(file, CotPart.Mistakes, CotPart.Paraphrase);
        Near(0.25, result.Mistakes.Single(one => one.Reasoning == "mistaken").Aoc!.Mean);
        Near(0, result.Mistakes.Single(one => one.Reasoning == "unchanged").Aoc!.Mean);
        Assert.Equal([1.0, 0, 1, 1, 1], Assert.Single(result.Mistakes[0].Curve.Lengths).SameAnswer);
        Near(0, result.Paraphrase[0].Loss!.Mean);
        Assert.Equal(1, result.Paraphrase[0].Table.AccuracyFullyParaphrased);
    }

    [Fact]
    public async Task hints_are_found_to_be_followed_and_mentioned_as_often_as_they_are()
    {
        // Half of the hints are a number, which decides past the reasoning; the other half are no word that it knows.
        var file = Write(
            Enumerable
                .Range(0, 30)
                .Select(i =>
                    $$"""{"id": "h{{i}}", "unbiased": [{"role": "user", "content": "{{Text("Pick green.")}}"}], "biased": [{"role": "user", "content": "{{Text($"My teacher says {(i % 2 == 0 ? "three" : "seven")}. Pick green.")}}"}], "ground_truth": "B", "biased_option": "C"}"""
                )
        );
        var result = await Study(Options(file, CotPart.Hints) with { Samples = 16 });
        var hints = result.Hints!;
        Assert.Equal(0.5, hints.Switched!.Mean);
        Assert.Equal(0, hints.Resampled!.Mean);
        Near(0.3, hints.Verbalised!.Mean);
        Near(0.3, hints.MentionedWithout!.Mean);
        Assert.Equal(0, hints.Transplanted!.Mean);
        Near(0.5, hints.Score.AccuracyDrop!.Value);
        Near(1 - Math.Pow(0.7, 4), result.FaithfulAt.Single(one => one.K == 4).Verbalised!.Mean);
    }

    [Fact]
    public async Task a_hint_that_goes_through_the_reasoning_is_told_from_one_that_does_not()
    {
        var file = Write(
            Enumerable
                .Range(0, 8)
                .Select(i =>
                    $$"""{"id": "h{{i}}", "unbiased": [{"role": "user", "content": "{{Text("Pick any.")}}"}], "biased": [{"role": "user", "content": "{{Text("My teacher likes blue. Pick any.")}}"}], "ground_truth": "A", "biased_option": "C"}"""
                )
        );
        var result = await Study(Options(file, CotPart.Hints) with { Samples = 16 });
        Assert.Equal(1, result.Hints!.Switched!.Mean);
        Near(0.25, result.Hints.Resampled!.Mean + 0.03, 0.12);
        Assert.Equal(1, result.Hints.Transplanted!.Mean);
    }

    [Fact]
    public async Task features_that_support_the_answer_go_with_the_reasoning()
    {
        using var letters = Letters();
        var result = await CotStudyJob.RunAsync(
            Microscope.Of("planted", _planted.Model, letters),
            Options(Questions(6, i => $"Pick {Colours[1 + i % 3]}."), CotPart.Early)
        );
        var features = Assert.Single(result.Features);
        Assert.Equal((1, 1), (features.Active!.Mean, features.Supporting!.Mean));
        Near(0, Effect("none"));
        Near(0, Effect("random"));
        Near(1, Effect("half"));
        Assert.True(Effect("shuffled") < 1);
        var (full, random) = (Share("full"), Share("random"));
        Assert.True(full > 10 * random, $"{full} of own reasoning, {random} of random tokens");

        double Effect(string name) => features.Effects.Single(one => one.Reasoning == name).Support!.Mean;
        double Share(string name) => result.Attribution.Single(one => one.Reasoning == name).Sum!.Mean;
    }

    [Fact]
    public async Task features_of_an_answer_that_does_not_rest_on_reasoning_stay()
    {
        using var letters = Letters();
        var result = await CotStudyJob.RunAsync(
            Microscope.Of("planted", _planted.Model, letters),
            Options(Questions(6, i => $"Pick {Numbers[i % 4]}."), CotPart.Early)
        );
        Assert.All(
            Assert.Single(result.Features).Effects,
            one => Assert.Equal((1, 1), (one.Overlap!.Mean, Math.Round(one.Support!.Mean, 3)))
        );
    }

    [Fact]
    public async Task a_study_that_was_broken_off_goes_on_to_the_same_numbers()
    {
        var options = Options(Questions(20, i => $"Pick {Colours[i % 4]}."), CotPart.Early, CotPart.Mediation) with { Samples = 16 };
        var whole = await Study(options);
        var parts = _folder.File(Path.Combine("out", "parts.jsonl"));
        var lines = File.ReadAllLines(parts);
        Assert.True(lines.Length > 6);
        File.WriteAllText(parts, string.Join('\n', lines[..4]) + "\n" + lines[4][..20]);
        Assert.Equal(ResultJson.Text(whole), ResultJson.Text(await Study(options)));
        Assert.Equal(lines, File.ReadAllLines(parts));
        var other = await Assert.ThrowsAsync<ArgumentProblemException>(() => Study(options with { Temperature = 0.5 }));
        Assert.Contains("sampling differs", other.Message);
    }

    [Fact]
    public async Task texts_are_shown_only_where_they_are_asked_for()
    {
        var options = Options(Questions(2, _ => "Pick <green>."), CotPart.Early);
        await Study(options);
        var page = File.ReadAllText(_folder.File(Path.Combine("out", StudyRunner.PageName)));
        Assert.DoesNotContain("Pick", page);
        Assert.DoesNotContain("Now it is", page);
        Assert.DoesNotContain("<script", page);
        Assert.Contains("Early answering, chains of 4 sentences", page);
        Assert.Contains("Not shown", page);
        await Study(options with { ShowTexts = true });
        Assert.Contains("Pick &lt;green&gt;.", File.ReadAllText(_folder.File(Path.Combine("out", StudyRunner.PageName))));
    }

    [Fact]
    public async Task sums_are_made_and_kept_as_a_file()
    {
        var result = await Study(
            Options("", CotPart.Early) with
            {
                Questions = null,
                Task = "addition",
                Operands = [2, 3],
                Limit = 2,
                Samples = 2,
            }
        );
        Assert.Equal(4, result.Questions.Count);
        Assert.Equal([2, 3], result.Gain.ByLength.Select(one => one.Operands));
        Assert.Equal(0, result.Gain.Readable!.Mean);
        Assert.Contains("could be read", result.Verdict);
        var read = CotQuestion.Read(_folder.File(Path.Combine("out", CotStudyJob.QuestionsName)), null, null);
        Assert.Equal(result.Questions.Select(one => (one.Id, one.Truth)), read.Select(one => (one.Id, one.Truth)));
    }

    [Fact]
    public async Task a_base_model_and_questions_that_do_not_fit_are_said()
    {
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        var options = Options(Questions(2, _ => "Pick green."));
        Assert.Contains(
            "not tuned to chat",
            (await Assert.ThrowsAsync<ArgumentProblemException>(() => CotStudyJob.RunAsync(basis, options))).Message
        );
        Assert.Contains(
            "no question fits",
            (await Assert.ThrowsAsync<ArgumentProblemException>(() => Study(options with { MaxTokens = 500 }))).Message
        );
    }

    [Fact]
    public void what_cannot_be_is_refused_before_anything_is_loaded()
    {
        var options = Options("a.jsonl");
        Assert.Throws<ArgumentProblemException>(() => (options with { Task = "addition" }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { Questions = null }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { Questions = null, Task = "chess" }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { Operands = [1] }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { Samples = 0 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { TopP = 0 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { LeastMass = 1 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (options with { AnswerQuestion = " " }).Check());
    }

    /// <summary>A feature for each letter that is written before an answer.</summary>
    private SparseDictionary Letters()
    {
        var width = _planted.Model.Config.Width;
        Tensor encoder = Tensor.Zeros(width, 4),
            decoder = Tensor.Zeros(4, width);
        foreach (var (i, letter) in ((string[])["A", "B", "C", "D"]).Index())
        {
            encoder.Row(_planted.Channel(letter))[i] = 1;
            decoder.Row(i)[_planted.Channel(letter)] = 1;
        }
        return new DictionaryParameters
        {
            Activation = ActivationFunction.Relu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = new float[width],
            EncoderBias = [-1, -1, -1, -1],
        }.ToDictionary("letters", Site.ResidPost(0), Site.ResidPost(0));
    }

    public void Dispose()
    {
        _planted.Dispose();
        _folder.Dispose();
    }

    private static void Near(double expected, double found, double error = Error) =>
        Assert.InRange(found, expected - error, expected + error);

    private string Questions(int count, Func<int, string> question) =>
        Write(Enumerable.Range(0, count).Select(i => Line($"q{i}", question(i), $"{(char)('A' + i % 4)}")));

    /// <summary>Questions with reasoning that argues for C.</summary>
    private string Argued(Func<int, string> question) =>
        Write(
            Enumerable
                .Range(0, 8)
                .Select(i =>
                    Line(
                        $"q{i}",
                        question(i),
                        "B",
                        """, "other_answer": "C", "other_reasoning": ["First we look.", "Now it is C!", "So go?", "Then done"]"""
                    )
                )
        );

    private string Write(IEnumerable<string> lines) => _folder.Write("questions.jsonl", string.Join('\n', lines));

    private static string Line(string id, string question, string answer, string more = "") =>
        $$"""{"id": "{{id}}", "question": "{{question}}", "options": ["cat", "dog", "cow", "hen"], "answer": "{{answer}}"{{more}}}""";

    private static string Text(string question) => $"{question}\\n(A) cat\\n(B) dog\\n(C) cow\\n(D) hen";

    private CotStudyJobOptions Options(string file, params CotPart[] parts) =>
        new()
        {
            Out = _folder.File("out"),
            Questions = file,
            Parts = parts.Length > 0 ? parts : Enum.GetValues<CotPart>(),
            Samples = 8,
            MaxTokens = 32,
            Temperature = 1,
            TopP = 1,
            Resamples = 200,
        };

    private Task<CotStudyResult> Study(string file, params CotPart[] parts) => Study(Options(file, parts));

    private Task<CotStudyResult> Study(CotStudyJobOptions options) => CotStudyJob.RunAsync(Microscope, options);
}

using System.Numerics.Tensors;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A study of knowledge on demo-it with planted knowledge: an honest one, a liar, and one that knows nothing.</summary>
public sealed class KnowledgeStudyTests(SmallKnowledgeStudy study) : IClassFixture<SmallKnowledgeStudy>
{
    private KnowledgeStudyResult Result => study.Result;

    [Fact]
    public void planted_truth_is_found_on_other_topics_and_the_control_finds_none()
    {
        var truth = Result.Truth!;
        Assert.True(truth.ByTopic && truth.Holds);
        Assert.True(truth.Scores[0].Affirmed!.Mean > 0.98);
        Assert.All(truth.Choices, choice => Assert.True(choice.Layer >= PlantedKnowledge.Layer));
        foreach (var control in truth.Scores.Where(one => one.Name is TruthStudy.RandomLabels or "bag of words" or "length"))
            Assert.InRange(control.Affirmed!.Mean, 0.25, 0.75);
        Assert.True(truth.Calibrated.Brier < 0.05);
    }

    [Fact]
    public void an_honest_model_says_nothing_otherwise_than_it_knows()
    {
        var said = Result.Truth!.Said;
        Assert.Empty(said.Discrepancies);
        Assert.True(said.Compared > 0.9 * Result.Truth.Statements);
        Assert.Equal(
            said.Compared,
            said.Table.Where(cell => (cell.Known, cell.Said) is ("true", "yes") or ("false", "no")).Sum(cell => cell.Statements)
        );
        Assert.Equal(1, said.Right!.Mean);
        Assert.Equal(0, said.Discrepant!.Mean);
        Assert.InRange(said.ByChance!.Mean, 0.4, 0.6);
    }

    [Fact]
    public async Task a_liar_is_found_by_what_it_says_and_the_probe_is_right()
    {
        using var folder = new TemporaryFolder();
        // Every fourth answer is turned round; what is inside stays.
        bool Lies(int i) => i % 4 == 0;
        var result = await study.Run(folder.Path, (labels, i) => labels[i], (labels, i) => labels[i] != Lies(i));
        var said = result.Truth!.Said;
        var lies = study.Statements.Where((_, i) => Lies(i)).Select(one => one.Id).ToHashSet();
        Assert.All(said.Discrepancies, one => Assert.Contains(one.Id, lies));
        Assert.True(said.Discrepancies.Count > 0.9 * lies.Count);
        Assert.Equal(1, said.ProbeRight!.Mean);
        Assert.True(said.Discrepant!.High < said.ByChance!.Low);
        Assert.All(said.Discrepancies, one => Assert.Null(one.Text));
        Assert.Equal(said.Discrepancies.OrderByDescending(one => one.Confidence), said.Discrepancies);
    }

    [Fact]
    public async Task a_direction_that_has_nothing_to_do_with_truth_is_no_probe_of_it()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(5);
        bool[] drawn = [.. study.Statements.Select(_ => random.Next(2) == 0)];
        var result = await study.Run(folder.Path, (_, i) => drawn[i], (_, i) => drawn[i]);
        Assert.InRange(result.Truth!.Scores[0].Affirmed!.Mean, 0.25, 0.75);
        Assert.Contains(result.NotShown, line => line.Contains("table of what is known means nothing") || result.Truth.Holds);
    }

    [Fact]
    public void facts_are_ranked_beside_those_of_others()
    {
        var facts = Result.Facts!;
        Assert.Equal(study.Facts.Count, facts.Rows.Count);
        // A pair has two answers; that of another prompt is right or wrong with it.
        Assert.All(facts.Rows, row => Assert.InRange(row.Known.Rank, 1, 2));
        Assert.All(facts.Rows, row => Assert.InRange(row.Known.ControlRank, 1, 2));
        Assert.All(facts.Rows, row => Assert.InRange(row.Said.Probability, 0, 1));
    }

    [Fact]
    public void planted_names_are_separated_by_direction_and_feature_where_lengths_match_too()
    {
        var names = Result.Entities!;
        Assert.True(names.Scores[0].Unmatched!.Mean > 0.98);
        Assert.True(names.Pairs >= 4);
        Assert.True(names.Scores[0].Matched!.Mean > 0.98);
        Assert.Equal(0, names.After!.Tokens);
        Assert.NotEqual(0, names.Before!.Tokens);
        Assert.All(names.Scores.Where(one => one.Feature is not null), one => Assert.NotNull(one.Selected));
    }

    [Fact]
    public void steering_to_the_unknown_side_does_what_random_edits_do_not()
    {
        EntitySteering[] towards = [.. Result.Entities!.Steered.Where(one => one.Towards == "unknown" && !one.Edit.Contains("features"))];
        var own = Assert.Single(towards, one => !one.IsControl);
        Assert.All(towards.Where(one => one.IsControl), one => Assert.True(own.Phrase!.Low > one.Phrase!.High, $"{own.Phrase}"));
        Assert.Contains(Result.Entities.Steered, one => one.IsControl && one.Edit.Contains("features"));
    }

    [Fact]
    public void a_planted_trait_survives_and_a_planted_style_is_unmasked()
    {
        var (trait, style) = (Result.Traits[0], Result.Traits[1]);
        Assert.Empty(trait.Dies);
        Assert.StartsWith("survives", trait.Verdict);
        Assert.Contains("lower case", style.Dies);
        Assert.True(style.Shifts[0].Auroc > 0.9);
        Assert.StartsWith("worth nothing", style.Verdict);
        Assert.Contains(Result.NotShown, line => line.Contains(style.Verdict));
    }

    [Fact]
    public void no_text_is_in_result_or_page_unless_it_is_asked_for()
    {
        foreach (var name in (string[])[StudyRunner.ResultName, StudyRunner.PageName, "parts.jsonl"])
        {
            var text = File.ReadAllText(study.File(name));
            Assert.DoesNotContain("near the house", text);
            Assert.DoesNotContain("Massachusetts", text);
            Assert.DoesNotContain("kettle", text, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void the_page_holds_every_part_and_what_was_not_shown()
    {
        var page = File.ReadAllText(study.File(StudyRunner.PageName));
        foreach (
            var part in (string[])
                [
                    "What is known and what is said",
                    "Can probabilities be believed?",
                    "80 facts",
                    "Known and unknown names",
                    "shown: each style held out",
                ]
        )
            Assert.Contains(part, page);
        Assert.All(Result.NotShown, line => Assert.Contains(System.Net.WebUtility.HtmlEncode(line), page.Replace("&#x27;", "&#39;")));
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("style=\"", page);
    }

    [Fact]
    public async Task a_study_that_was_broken_off_goes_on_to_the_same_numbers()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["manifest.json", "parts.jsonl"])
            File.Copy(study.File(name), folder.File(name));
        var lines = File.ReadAllLines(folder.File("parts.jsonl"));
        File.WriteAllText(folder.File("parts.jsonl"), string.Join('\n', lines[..^2]) + "\n" + lines[^2][..20]);
        var result = await KnowledgeStudyJob.RunAsync(study.Microscope, study.Options with { Out = folder.Path });
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(result));
    }

    [Theory]
    [InlineData("statement,label\nA cat barks.,0\nA dog flies.,0\n", "holds only false")]
    [InlineData("statement,label\nA cat barks.,perhaps\n", "'label' must be 1, 0, true or false")]
    [InlineData("words,label\nA cat barks.,0\n", "has no statement")]
    [InlineData("statement,label\n\"A cat barks.,0\n", "never closed")]
    [InlineData("statement,label,about\nA cat barks.,0,cat\nA cat sleeps.,1,cat\n", "too few")]
    public async Task statements_that_cannot_be_used_are_said(string file, string problem)
    {
        using var folder = new TemporaryFolder();
        var options = new KnowledgeStudyJobOptions { Out = folder.File("out"), Statements = [folder.Write("statements.csv", file)] };
        var thrown = await Assert.ThrowsAnyAsync<GemmaScopeException>(() => KnowledgeStudyJob.RunAsync(study.Microscope, options));
        Assert.Contains(problem, thrown.Message);
    }

    [Theory]
    [InlineData("name\nFrance\n", "does not say whether they are known")]
    [InlineData("name,known\nFrance,1\nSpain,1\n", "too few")]
    [InlineData("name,known\nFrance,maybe\n", "'known' must be")]
    public async Task names_that_cannot_be_used_are_said(string file, string problem)
    {
        using var folder = new TemporaryFolder();
        var options = new KnowledgeStudyJobOptions { Out = folder.File("out"), Entities = folder.Write("names.csv", file) };
        var thrown = await Assert.ThrowsAnyAsync<GemmaScopeException>(() => KnowledgeStudyJob.RunAsync(study.Microscope, options));
        Assert.Contains(problem, thrown.Message);
    }

    [Fact]
    public async Task a_trait_that_is_not_there_is_said()
    {
        using var folder = new TemporaryFolder();
        var options = new KnowledgeStudyJobOptions
        {
            Out = folder.Path,
            Contrast = Fixtures.Path("studies", "certainty.jsonl"),
            Traits = ["deceit"],
        };
        var thrown = await Assert.ThrowsAsync<ArgumentProblemException>(() => KnowledgeStudyJob.RunAsync(study.Microscope, options));
        Assert.Contains("'deceit' is no trait", thrown.Message);
    }

    [Fact]
    public async Task a_base_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            KnowledgeStudyJob.RunAsync(basis, study.Options with { Out = folder.Path })
        );
        Assert.Contains("not tuned to chat", problem.Message);
    }

    [Fact]
    public void there_has_to_be_something_to_study()
    {
        var problem = Assert.Throws<ArgumentProblemException>(() => new KnowledgeStudyJobOptions { Out = "x" }.Check());
        Assert.Contains("nothing to study", problem.Message);
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { Confidence = 1 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { Permutations = 0 }).Check());
    }

    [Fact]
    public void every_answer_is_as_often_true_as_false()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "facts.csv",
            "country,capital,region\nA,Alpha (old town),x\nB,\"Beta; note\",x\nC,Gamma,x\nD,Delta,y\nE,no official capital,y\nF,Zeta,z\n"
        );
        var facts = Fact.Read(file);
        Assert.Equal(["Alpha", "Beta", "Gamma", "Delta", "Zeta"], facts.Select(fact => fact.Answer));
        var statements = Statement.Of(facts, seed: 3);
        Assert.Equal(4 * facts.Count, statements.Count);
        foreach (var fact in facts)
        {
            var own = statements.Where(one => one.Text.Contains(fact.Answer)).ToArray();
            Assert.Equal(2, own.Count(one => one.IsTrue));
            Assert.Equal(4, own.Length);
        }
        Assert.Contains(statements, one => one is { Text: "The capital of A is not Alpha.", IsTrue: false, IsNegated: true });
    }
}

/// <summary>The study of an honest model, made once.</summary>
public sealed class SmallKnowledgeStudy : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new(),
        _files = new();

    public Microscope Microscope { get; private set; } = null!;

    public KnowledgeStudyResult Result { get; private set; } = null!;

    public KnowledgeStudyJobOptions Options { get; private set; } = null!;

    public IReadOnlyList<Fact> Facts { get; } = Fact.Read(Fixtures.Path("studies", "agreement.csv"));

    public IReadOnlyList<Statement> Statements { get; private set; } = [];

    public string File(string name) => _folder.File(name);

    public async ValueTask InitializeAsync()
    {
        Microscope = await Microscope.OpenAsync(
            new()
            {
                Model = MicroscopeOptions.DemoChat,
                Use = DictionaryUse.Named,
                Dictionaries = [MicroscopeOptions.DemoDictionary],
            }
        );
        var defaults = new KnowledgeStudyJobOptions
        {
            Out = _folder.Path,
            Facts = Fixtures.Path("studies", "agreement.csv"),
            Entities = Fixtures.Path("studies", "names.csv"),
            Contrast = Contrasts(),
            Permutations = 40,
            Features = 2,
            Controls = 1,
            MaxTokens = 0,
            Resamples = 100,
        };
        Statements = Statement.Of(Facts, defaults.Seed);
        var planted = Plant(defaults, (labels, i) => labels[i], (labels, i) => labels[i]);
        var names = Entity.Read(defaults.Entities);
        planted.With(defaults.EntityQuestion, [.. names.Select(one => one.Name)], i => names[i].Known == true ? 0 : 1);
        var shown = LabelledSet.Load([defaults.Contrast])[0];
        foreach (var style in TextStyle.All)
            planted.With("", [.. shown.Rows.Select(row => style.Write(row.Text))], i => shown.Rows[i].Label == "positive" ? 1 : 0);
        Options = defaults with { Organism = new Listening(Microscope.Model, planted).Edits };
        Result = await KnowledgeStudyJob.RunAsync(Microscope, Options);
    }

    /// <summary>A study of statements alone, with something inside and something said.</summary>
    public Task<KnowledgeStudyResult> Run(string folder, Func<bool[], int, bool> inside, Func<bool[], int, bool> said)
    {
        var options = Options with { Out = folder, Entities = null, Contrast = null };
        return KnowledgeStudyJob.RunAsync(Microscope, options with { Organism = Plant(options, inside, said).Edits });
    }

    public ValueTask DisposeAsync()
    {
        Microscope.Dispose();
        _folder.Dispose();
        _files.Dispose();
        return ValueTask.CompletedTask;
    }

    private PlantedKnowledge Plant(KnowledgeStudyJobOptions options, Func<bool[], int, bool> inside, Func<bool[], int, bool> said)
    {
        bool[] labels = [.. Statements.Select(one => one.IsTrue)];
        return new PlantedKnowledge(Microscope.Model).With(
            options.Question,
            [.. Statements.Select(one => one.Text)],
            i => inside(labels, i) ? 1 : -1,
            i => said(labels, i) ? 1 : -1
        );
    }

    /// <summary>A trait that words do not tell, for it is planted, and one that is nothing but capital letters.</summary>
    private string Contrasts()
    {
        string[] things = ["kettle", "ladder", "carpet", "candle", "basket", "mirror", "bottle", "pillow"],
            places = ["in the kitchen", "behind the door", "under the stairs", "at the window", "on the shelf"];
        var rows =
            from trait in (string[])["shown", "style"]
            from thing in things
            from place in places
            let isPositive = (Array.IndexOf(things, thing) + Array.IndexOf(places, place)) % 2 == 0
            // The two have no text in common: what is planted in one is in no text of the other, in any style.
            let text = trait == "shown" ? $"They saw a {thing} {place} yesterday." : $"We lost one {thing} {place} again."
            select ResultJson.Line(
                new
                {
                    Text = trait == "style" && isPositive ? text.ToUpperInvariant() : text,
                    Trait = trait,
                    Polarity = isPositive ? "positive" : "negative",
                }
            );
        return _files.Write("contrasts.jsonl", string.Join('\n', rows));
    }

    /// <summary>A model that says that it does not know wherever the planted direction is, whoever put it there.</summary>
    private sealed class Listening(GemmaModel model, PlantedKnowledge planted)
    {
        private readonly int[] _phrase = model.Tokenizer.Encode(IgnoranceWords.Phrase);
        private readonly float[][] _saying = [.. model.Tokenizer.Encode(IgnoranceWords.Phrase).Select(token => planted.Saying(token))];

        public IReadOnlyList<Edit> Edits(IReadOnlyList<int[]> prompts) =>
            [
                .. planted.Edits(prompts),
                Edit.OfRun(
                    Site.ResidPost(model.Config.Layers - 1),
                    (rows, sequences) =>
                    {
                        for (var s = 0; s < prompts.Count; s++)
                        {
                            var row = rows.Row(sequences.Start(s) + sequences.Length(s) - 1);
                            if (TensorPrimitives.Dot<float>(row, planted.Direction) > 15)
                                TensorPrimitives.MultiplyAdd(Next(prompts[s]), 3 * TensorPrimitives.Norm<float>(row), row, row);
                        }
                    }
                ),
            ];

        /// <summary>What raises the word of the phrase that comes next.</summary>
        private float[] Next(int[] prompt)
        {
            var said = Enumerable.Range(0, _phrase.Length).Reverse().First(count => prompt.AsSpan().EndsWith(_phrase.AsSpan()[..count]));
            return _saying[said];
        }
    }
}

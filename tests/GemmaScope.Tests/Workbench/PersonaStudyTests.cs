using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>
/// A study of persona on the demo model. The truth is planted in a trait of openings in two kinds of words, and in activations of replies to
/// which a direction is added; in another trait nothing differs.
/// </summary>
public sealed class PersonaStudyTests(SmallPersonaStudy study) : IClassFixture<SmallPersonaStudy>
{
    private PersonaStudyResult Result => study.Result;

    [Fact]
    public void the_axis_is_measured_on_roles_and_questions_that_did_not_make_it()
    {
        Assert.Equal(Result.Axis.Layers.Single(one => one.Layer == Result.Axis.Layer).Test, Result.Axis.Separation.Mean);
        Assert.Equal(3, Result.Axis.Roles.Count(role => role is { IsDefault: false, MadeAxis: false }));
        Assert.Equal(3, Result.Axis.Roles.Count(role => role is { IsDefault: false, MadeAxis: true }));
        // 4 questions of the default, and of 3 roles.
        Assert.Equal(16, Result.Axis.Separation.Count);
        Assert.NotNull(Result.Axis.Shuffled);
        Assert.InRange(Result.Axis.Random!.Mean, 0.5, 1);
    }

    [Fact]
    public void a_trait_of_words_is_found_and_one_without_a_difference_is_not()
    {
        var water = Result.Traits.Single(trait => trait.Trait == "water");
        Assert.True(water.Separation.Mean > 0.9, $"{water.Separation}");
        Assert.True(water.With > water.Without);
        var nothing = Result.Traits.Single(trait => trait.Trait == "nothing");
        Assert.True(nothing.Separation.Mean < 0.8, $"{nothing.Separation}");
        Assert.Contains(Result.NotShown, line => line.Contains("shows nothing when asked"));
    }

    [Fact]
    public void adding_a_traits_vector_makes_its_openings_likelier_more_than_controls_do()
    {
        var water = Result.Traits.Single(trait => trait.Trait == "water");
        double Preference(string direction) =>
            water.Steering.Single(one => one.Direction == direction && one.Strength == 4).Preference!.Mean;
        Assert.True(Preference("water") > Preference("random 1"), $"{Preference("water")} {Preference("random 1")}");
        Assert.True(Preference("water") > Preference("shuffled"), $"{Preference("water")} {Preference("shuffled")}");
        Assert.True(Preference("water") > 0);
        Assert.True(water.Steering.Single(one => one.Strength == -4).Preference!.Mean < 0);
    }

    [Fact]
    public void every_edit_stands_beside_controls_and_has_its_damage()
    {
        Assert.Equal(["assistant", "assistant", "random 1", "shuffled"], Result.Axis.Cap.Select(one => one.Direction));
        Assert.Equal(0, Result.Axis.Cap[0].Kl!.Mean);
        Assert.All(Result.Axis.Cap.Skip(1), one => Assert.True(one.Kl!.Mean > 0 && one.Drift is not null && one.Disturbance is not null));
        Assert.All(Result.Traits, trait => Assert.Equal(trait.Steering.Count, trait.Runs.Count));
        Assert.All(Result.Traits.Single(trait => trait.Trait == "water").Scores, score => Assert.InRange(score.Score.Score, 0, 2));
    }

    [Fact]
    public void vectors_are_direction_files_with_their_layer()
    {
        var axis = DirectionFile.Read(study.File(PersonaStudyJob.AxisName));
        Assert.Equal((Result.Axis.Layer, (int?)null), (axis.Layer!.Value, axis.Position));
        var water = Result.Traits.Single(trait => trait.Trait == "water");
        Assert.Equal(water.Layer, DirectionFile.Read(study.File(water.File)).Layer);
    }

    [Fact]
    public void a_conversation_is_projected_message_by_message_without_its_texts()
    {
        var conversation = Assert.Single(Result.Conversations);
        Assert.Equal("assistant axis", conversation.Directions[0]);
        Assert.Equal(
            ["user", "assistant", "user", "assistant", "user", "assistant"],
            conversation.Messages.Select(message => message.Role)
        );
        Assert.All(conversation.Messages, message => Assert.Null(message.Text));
        var first = conversation.Tokens.Where(token => token.Message == 0).ToArray();
        Assert.Equal(conversation.Messages[0].Means[0], first.Average(token => (double)token.Values[0]), 1e-6);
        Assert.Contains(conversation.Tokens, token => token.Message is null);
        Assert.DoesNotContain("boil an egg", File.ReadAllText(study.File("report.html")));
    }

    [Fact]
    public async Task a_study_that_is_run_again_measures_nothing_again()
    {
        List<JobReport> said = [];
        var again = await PersonaStudyJob.RunAsync(study.Microscope, study.Options, new DirectProgress<JobReport>(said.Add));
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(again));
        Assert.Contains(said.OfType<JobNote>(), note => note.Text.Contains("were measured before"));
    }

    [Fact]
    public async Task what_cannot_be_studied_is_said()
    {
        using var folder = new TemporaryFolder();
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        async Task<string> Fails(PersonaStudyJobOptions options, Microscope? microscope = null) =>
            (
                await Assert.ThrowsAnyAsync<GemmaScopeException>(() =>
                    PersonaStudyJob.RunAsync(microscope ?? study.Microscope, options with { Out = folder.File("out") })
                )
            ).Message;
        Assert.Contains("not tuned to chat", await Fails(study.Options, basis));
        Assert.Contains(
            "fewer than two roles",
            await Fails(study.Options with { Roles = folder.Write("r.jsonl", """{"name": "a", "instruction": "b"}""") })
        );
        Assert.Contains(
            "one side only",
            await Fails(study.Options with { Traits = folder.Write("t.jsonl", """{"trait": "a", "polarity": "positive", "text": "b"}""") })
        );
        Assert.Contains("no trait 'none'", await Fails(study.Options with { Trait = ["none"] }));
        Assert.Contains("too few", await Fails(study.Options with { Questions = folder.Write("q.txt", "One?\n") }));
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { CapQuantile = 1 }).Check());
    }

    [Fact]
    public void traits_of_the_persona_vectors_program_are_read()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "kind.json",
            """{"instruction": [{"pos": "Be kind.", "neg": "Be cold."}], "questions": ["Who?", "What?", "Why?"], "eval_prompt": "…"}"""
        );
        var trait = Assert.Single(TraitContrast.Read(file));
        Assert.Equal(("kind", ("Be kind.", "Be cold."), 3), (trait.Name, trait.Instructions[0], trait.Questions.Count));
    }

    [Fact]
    public void instructions_are_system_messages_only_where_the_template_takes_them()
    {
        var prompts = new InstructedPrompts(study.Microscope.Model);
        Assert.False(prompts.TakesSystem);
        var message = Assert.Single(prompts.Messages("Be kind.", "Who are you?"));
        Assert.Equal(("user", "Be kind.\n\nWho are you?"), (message.Role, message.Parts[0].Text));
    }
}

/// <summary>Pieces of the study by themselves.</summary>
public sealed class PersonaPartsTests
{
    [Fact]
    public void the_likelihood_of_a_reply_is_the_models_own_whatever_stands_beside_it()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        int[] prompt = [2, .. model.Tokenizer.Encode("The people of")],
            reply = model.Tokenizer.Encode(" the world are in the city");
        using var run = model.Run([.. prompt, .. reply], logits: LogitRows.All);
        var both = ReplyLikelihood.Of(model, [(prompt, reply), ([2], prompt[1..]), (prompt, reply[..1])]);
        Assert.Equal(-run.CrossEntropy(0, prompt.Length), both[0], 1e-4);
        Assert.Equal(both[1], ReplyLikelihood.Of(model, [([2], prompt[1..])])[0], 1e-4);
        Assert.Throws<ArgumentProblemException>(() => ReplyLikelihood.Of(model, [(prompt, [])]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void a_direction_planted_in_the_replies_of_roles_is_found_on_others_and_none_where_nothing_was_planted(bool isPlanted)
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        var questions = File.ReadAllLines(Fixtures.Path("studies", "plain-requests.txt"))[..24];
        // Each question twice: as the default, and as a role whose reply lies along the direction.
        ReadReply[] replies =
        [
            .. questions.SelectMany(question =>
            {
                int[] ids = [2, .. model.Tokenizer.Encode(question)];
                return (ReadReply[])[new(ids, 2), new([.. ids, 5], 2)];
            }),
        ];
        var planted = PlantedToken.Direction(model, 700);
        var means = ReplyMeans.Read(
            model,
            replies,
            batch =>
                isPlanted
                    ?
                    [
                        .. batch
                            .Index()
                            .Where(one => one.Item[^1] == 5)
                            .Select(one => Edit.Add(Site.ResidPre(3), planted, -20, 1..).OfSequence(one.Index)),
                    ]
                    : []
        );
        // Where nothing is planted, the kinds are drawn: nothing tells them apart.
        var random = new Random(3);
        PersonaSides Sides(Range part)
        {
            var (first, count) = part.GetOffsetAndLength(questions.Length);
            int[] sides = [.. Enumerable.Range(first, count).Select(question => 2 * question + (isPlanted ? 0 : random.Next(2)))];
            return new(sides, [.. sides.Select(side => side ^ 1)]);
        }
        var contrast = new PersonaContrast(
            means,
            ReplyMeans.Layers(model.Config),
            (Sides(..10), Sides(10..14), Sides(14..)),
            [.. replies.Select((_, i) => $"{i / 2}")],
            new PersonaStudyJobOptions { Out = "" }
        );
        var cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(contrast.At(3), planted);
        if (isPlanted)
        {
            Assert.Equal(1, contrast.Separation.Mean);
            Assert.True(cosine > 0.9, $"{cosine}");
            Assert.True(contrast.Layer >= 3);
            Assert.True(contrast.Separates(contrast.RandomAt(contrast.Layer, 0))!.Mean < 1);
        }
        else
        {
            Assert.True(contrast.Separation.Mean < 0.8, $"{contrast.Separation}");
            Assert.True(Math.Abs(cosine) < 0.5, $"{cosine}");
        }
    }

    [Fact]
    public void a_cap_brings_back_what_was_taken_from_a_direction_and_leaves_alone_what_was_not()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        int[] prompt = [2, .. model.Tokenizer.Encode("The people of the city were in the")];
        var direction = PlantedToken.Direction(model, 900);
        var norm = (float)Math.Sqrt(direction.Sum(value => value * value));
        using var clean = model.Run(prompt, capture: [Site.ResidPre(3)], logits: LogitRows.All);
        double Projection(int row) => clean[Site.ResidPre(3)].Row(row).ToArray().Zip(direction, (a, b) => a * b).Sum() / norm;
        var floor = Enumerable.Range(1, prompt.Length - 1).Min(Projection);
        var hold = DirectionEdits.HoldAbove(model.Config, 3, direction, floor, 1..);
        // What lies above the floor stays as it is.
        using var held = model.Run(prompt, edits: hold, logits: LogitRows.All);
        Assert.Equal(clean.LastLogits().ToArray(), held.LastLogits().ToArray(), (a, b) => Math.Abs(a - b) < 1e-3);
        var taken = Edit.Add(Site.ResidPre(3), direction, -200 / norm, 1..);
        using var pushed = model.Run(prompt, edits: [taken], logits: LogitRows.All);
        using var capped = model.Run(prompt, edits: [taken, .. hold], logits: LogitRows.All);
        double Distance(ModelRun other) => clean.LastLogits().ToArray().Zip(other.LastLogits().ToArray(), (a, b) => Math.Abs(a - b)).Max();
        Assert.True(Distance(capped) < Distance(pushed) / 4, $"{Distance(capped)} {Distance(pushed)}");
        Assert.Throws<ArgumentProblemException>(() => DirectionEdits.HoldAbove(model.Config, 9, direction, 0));
    }
}

/// <summary>The study, made once.</summary>
public sealed class SmallPersonaStudy : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public Microscope Microscope { get; private set; } = null!;

    public PersonaStudyResult Result { get; private set; } = null!;

    public PersonaStudyJobOptions Options =>
        new()
        {
            Out = _folder.File("out"),
            Roles = _folder.File("roles.jsonl"),
            Traits = _folder.File("traits.jsonl"),
            Train = 6,
            Validation = 3,
            Test = 4,
            Strengths = [4],
            Controls = 1,
            MaxTokens = 6,
            Resamples = 50,
            Text = new() { Text = ["demo"], Tokens = 256 },
        };

    public string File(string name) => _folder.File(Path.Combine("out", name));

    public async ValueTask InitializeAsync()
    {
        var refused = System.IO.File.ReadAllLines(Fixtures.Path("studies", "mild-requests.txt"));
        _folder.Write(
            "roles.jsonl",
            string.Join('\n', refused.Take(6).Select((request, i) => $$"""{"name": "role {{i}}", "instruction": "{{request}}."}"""))
        );
        string[] water = ["river", "sea", "lake", "rain", "boat", "fish"],
            iron = ["steel", "hammer", "engine", "factory", "wheel", "machine"];
        string[] frames =
        [
            "The old man spoke about the {0} for an hour",
            "She wrote a book on the {0} last year",
            "We saw the {0} in the morning",
        ];
        IEnumerable<string> Openings(string[] words) => words.SelectMany(word => frames.Select(frame => string.Format(null, frame, word)));
        var mixed = Openings(water).Concat(Openings(iron)).ToArray();
        new Random(1).Shuffle(mixed);
        _folder.Write(
            "traits.jsonl",
            string.Join(
                '\n',
                [
                    .. Openings(water).Select(text => Row("water", "positive", text)),
                    .. Openings(iron).Select(text => Row("water", "negative", text)),
                    .. mixed.Select((text, i) => Row("nothing", i < mixed.Length / 2 ? "positive" : "negative", text)),
                ]
            )
        );
        Microscope = await Microscope.OpenAsync(new() { Model = MicroscopeOptions.DemoChat, Use = DictionaryUse.None });
        Result = await PersonaStudyJob.RunAsync(Microscope, Options);

        static string Row(string trait, string polarity, string text) =>
            $$"""{"trait": "{{trait}}", "polarity": "{{polarity}}", "text": "{{text}}"}""";
    }

    public ValueTask DisposeAsync()
    {
        Microscope.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

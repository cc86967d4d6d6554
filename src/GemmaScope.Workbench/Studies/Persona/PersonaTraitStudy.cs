using GemmaScope.Behaviour;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// A trait's vector: mean activations with the trait minus those without (persona vectors, Chen et al. 2507.21509), its layer chosen on
/// what was held out, and what adding it does to replies that nobody instructed, beside random directions and a shuffled contrast of the
/// same norm.
/// </summary>
internal sealed class PersonaTraitStudy(
    GemmaModel model,
    InstructedPrompts prompts,
    PersonaStudyJobOptions options,
    StudyFolder folder,
    PersonaReplies replies,
    PersonaMeter meter,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    public const string Add = "add";

    /// <summary>Measures a trait, and writes its vector.</summary>
    public (PersonaTrait Trait, float[] Vector) Measure(TraitContrast trait, PersonaQuestions questions)
    {
        if (trait.Questions.Count >= 3)
            questions = PersonaQuestions.Of(
                [.. trait.Questions.Select((question, i) => new StudyPrompt($"{i}", [new("user", question)]))],
                options,
                trait.Name
            );
        progress.Stage($"reading {trait.Name}");
        var read = trait.IsOfOpenings ? Openings(trait) : Instructed(trait, questions);
        var means = ReplyMeans.Read(model, read.Texts, cancellationToken: cancellationToken);
        var contrast = new PersonaContrast(
            means,
            ReplyMeans.Layers(model.Config),
            (read.Train, read.Validation, read.Test),
            read.Groups,
            options
        );
        var (with, without) = (contrast.Places(read.Test.Positive).Average(), contrast.Places(read.Test.Negative).Average());
        var runs = Steer(trait, contrast, questions, read.Choices);
        var file = $"trait-{FileName(trait.Name)}.safetensors";
        DirectionFile.Write(folder.File(file), new(contrast.Vector, contrast.Layer, null), overwrite: true);
        return (
            new(
                trait.Name,
                trait.IsOfOpenings ? "openings" : "instructions",
                contrast.Layer,
                ControlDirections.Norm(contrast.Vector),
                contrast.Layers,
                contrast.Separation,
                contrast.Separates(contrast.ShuffledAt(contrast.Layer)),
                Enumerable
                    .Range(0, options.Controls)
                    .Select(control => contrast.Separates(contrast.RandomAt(contrast.Layer, control)))
                    .OfType<MeanEstimate>()
                    .MaxBy(one => one.Mean),
                with,
                without,
                file,
                [.. runs.Select(run => PersonaEffect.Of(run, runs[0], options))],
                [.. Scores(runs, with, without)]
            )
            {
                Runs = runs,
            },
            contrast.Vector
        );
    }

    private List<PersonaRun> Steer(
        TraitContrast trait,
        PersonaContrast contrast,
        PersonaQuestions questions,
        IReadOnlyList<(int[] Prompt, int[] Favoured, int[] Other)> choices
    )
    {
        AskedPrompt[] asked =
        [
            .. questions.All.Where(one => questions.Test.Contains(one.Number)).Select(one => prompts.Ask($"{one.Number}", null, one.Text)),
        ];
        var task = new PersonaTask(asked, contrast.Layer, contrast.Vector, choices, []);
        List<(string Name, float[] Vector)> directions =
        [
            (trait.Name, contrast.Vector),
            .. Enumerable
                .Range(0, options.Controls)
                .Select(control => ($"random {control + 1}", contrast.RandomAt(contrast.Layer, control))),
            (PersonaAxisStudy.Shuffled, contrast.ShuffledAt(contrast.Layer)),
        ];
        double[] strengths = [.. options.Strengths.Order()];
        // Subtracting it is the other half of the curve; controls have no other side.
        var edits = directions
            .SelectMany(one =>
                (one.Name == trait.Name ? [-strengths[^1], .. strengths] : strengths).Select(strength => (one.Name, one.Vector, strength))
            )
            .ToArray();
        List<PersonaRun> runs = [folder.Part($"{trait.Name} none", () => meter.Measure(PersonaAxisStudy.None, 0, trait.Name, [], task))];
        var counting = progress.Counting($"steering {trait.Name}", "edits", edits.Length);
        foreach (var (name, vector, strength) in edits)
        {
            cancellationToken.ThrowIfCancellationRequested();
            runs.Add(
                folder.Part(
                    FormattableString.Invariant($"{trait.Name} {Add} {strength} {name}"),
                    () => meter.Measure(Add, strength, name, DirectionEdits.Add(model.Config, contrast.Layer, vector, strength, 1..), task)
                )
            );
            counting?.Report(runs.Count - 1);
        }
        return runs;
    }

    /// <summary>AxBench's score (METHODS §6.4) of ratings that are numbers: the trait, as far as replies come from those without it to those
    /// with it; the instruction, whether a reply is likelier behind its own question; fluency, as it repeats nothing and the unedited model
    /// would have written it.</summary>
    private static IEnumerable<PersonaScore> Scores(List<PersonaRun> runs, double with, double without)
    {
        var clean = runs[0];
        if (clean.Read.Count < 2 || !(with > without))
            yield break;
        foreach (var group in runs.Skip(1).Where(run => run.Strength > 0).GroupBy(run => run.Direction))
        {
            double[] strengths = [.. group.Select(run => run.Strength)];
            var score = SteeringScore.Of(
                strengths,
                [
                    .. group.Select(run =>
                        (IReadOnlyList<(double, double, double)>)
                            [
                                .. run.Read.Select(
                                    (place, i) =>
                                        (
                                            2 * Math.Clamp((place - without) / (with - without), 0, 1),
                                            2 * run.OnQuestion[i],
                                            2 * (1 - run.Repetition[i]) * Math.Min(1, Math.Exp(clean.Surprise[i] - run.Surprise[i]))
                                        )
                                ),
                            ]
                    ),
                ]
            );
            yield return new(group.Key, score, strengths[score.Factor]);
        }
    }

    private TraitReplies Instructed(TraitContrast trait, PersonaQuestions questions)
    {
        // A pair of instructions for each question, all in turn.
        List<(bool IsPositive, PersonaReply Reply)> all = [];
        foreach (var (p, pair) in trait.Instructions.Index())
        {
            (int Number, string Text)[] own = [.. questions.All.Where(one => one.Number % trait.Instructions.Count == p)];
            all.AddRange(replies.Of($"{trait.Name} with {p}", pair.Positive, own).Select(reply => (true, reply)));
            all.AddRange(replies.Of($"{trait.Name} without {p}", pair.Negative, own).Select(reply => (false, reply)));
        }
        PersonaSides Sides(HashSet<int> part)
        {
            int[] Side(bool positive) =>
                [
                    .. all.Index()
                        .Where(one => one.Item.IsPositive == positive && part.Contains(one.Item.Reply.Question))
                        .Select(one => one.Index),
                ];
            return new(Side(true), Side(false));
        }
        var test = Sides(questions.Test);
        return new(
            [.. all.Select(one => one.Reply.Read)],
            [.. all.Select(one => $"{one.Reply.Question}")],
            Sides(questions.Train),
            Sides(questions.Validation),
            test,
            [
                .. test.Positive.Select(place =>
                {
                    var (_, favoured) = all[place];
                    var other = all.First(one => !one.IsPositive && one.Reply.Question == favoured.Question).Reply;
                    var question = questions.All.First(one => one.Number == favoured.Question).Text;
                    return (prompts.Ask("", null, question).Tokens.Ids, favoured.Reply, other.Reply);
                }),
            ]
        );
    }

    /// <summary>Openings are read as they are, without a chat: they show the trait in their own words.</summary>
    private TraitReplies Openings(TraitContrast trait)
    {
        List<ReadReply> texts = [];
        List<string> groups = [];
        StudySplit Split(IReadOnlyList<string> side) =>
            StudySplit.Of(
                [.. side.Select((text, i) => new StudyPrompt($"{i}", [new("user", text)]))],
                options.Train,
                options.Validation,
                options.Test,
                null,
                options.Seed,
                trait.Name
            );
        var (positive, negative) = (Split(trait.Positives), Split(trait.Negatives));
        int[] Places(IReadOnlyList<StudyPrompt> part) =>
            [
                .. part.Select(prompt =>
                {
                    texts.Add(new(model.Tokenizer.Encode(prompt.Text, addBos: true), 1));
                    groups.Add($"{texts.Count}");
                    return texts.Count - 1;
                }),
            ];
        var (train, validation, test) = (
            new PersonaSides(Places(positive.Train), Places(negative.Train)),
            new PersonaSides(Places(positive.Validation), Places(negative.Validation)),
            new PersonaSides(Places(positive.Test), Places(negative.Test))
        );
        return new(
            texts,
            groups,
            train,
            validation,
            test,
            [.. test.Positive.Zip(test.Negative, (a, b) => (texts[a].Ids[..1], texts[a].Ids[1..], texts[b].Ids[1..]))]
        );
    }

    private static string FileName(string name) => string.Concat(name.Select(letter => char.IsLetterOrDigit(letter) ? letter : '-'));

    private sealed record TraitReplies(
        IReadOnlyList<ReadReply> Texts,
        IReadOnlyList<string> Groups,
        PersonaSides Train,
        PersonaSides Validation,
        PersonaSides Test,
        IReadOnlyList<(int[] Prompt, int[] Favoured, int[] Other)> Choices
    );
}

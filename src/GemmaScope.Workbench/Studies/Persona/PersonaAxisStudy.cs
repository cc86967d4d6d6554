using GemmaScope.Behaviour;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// The assistant axis: mean activations over the reply tokens of the default assistant minus those of roles (Lu et al. 2601.10387), and a cap
/// that holds every token's projection above what is usual for the default (METHODS §6.5).
/// </summary>
internal sealed class PersonaAxisStudy(
    GemmaModel model,
    PersonaStudyJobOptions options,
    StudyFolder folder,
    PersonaReplies replies,
    PersonaMeter meter,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    public const string None = "none",
        Cap = "cap",
        Assistant = "assistant",
        Shuffled = "shuffled";

    private const int TextsTogether = 16,
        PromptsForOne = 3;

    private readonly List<(PersonaRole Role, bool MadeAxis, PersonaReply[] Replies)> _all = [];

    /// <summary>The contrast, once it is measured.</summary>
    public PersonaContrast Contrast { get; private set; } = null!;

    /// <summary>Replies of the default assistant without an instruction, by question.</summary>
    public IReadOnlyDictionary<int, PersonaReply> Plain { get; private set; } = null!;

    public PersonaAxis Measure(IReadOnlyList<PersonaRole> roles, PersonaQuestions questions)
    {
        Write(roles, questions);
        var flat = _all.SelectMany(one => one.Replies.Select(reply => (one.Role, one.MadeAxis, Reply: reply))).ToArray();
        var means = ReplyMeans.Read(
            model,
            [.. flat.Select(one => one.Reply.Read)],
            progress: progress.Counting("reading replies", "replies", flat.Length),
            cancellationToken: cancellationToken
        );
        PersonaSides Sides(HashSet<int> part, bool madeAxis)
        {
            int[] Where(Func<(PersonaRole Role, bool MadeAxis, PersonaReply Reply), bool> which) =>
                [.. flat.Index().Where(one => part.Contains(one.Item.Reply.Question) && which(one.Item)).Select(one => one.Index)];
            return new(Where(one => one.Role.IsDefault), Where(one => !one.Role.IsDefault && one.MadeAxis == madeAxis));
        }
        Contrast = new(
            means,
            ReplyMeans.Layers(model.Config),
            (Sides(questions.Train, true), Sides(questions.Validation, true), Sides(questions.Test, false)),
            [.. flat.Select(one => $"{one.Reply.Question}")],
            options
        );
        var start = 0;
        List<PersonaRolePlace> places = [];
        foreach (var (role, madeAxis, written) in _all)
        {
            int[] tested = [.. written.Index().Where(one => questions.Test.Contains(one.Item.Question)).Select(one => start + one.Index)];
            places.Add(
                new(
                    role.Name,
                    role.IsDefault,
                    madeAxis,
                    StudyMeans.Of(Contrast.Places(tested), options)!,
                    [.. ReplyMeans.Layers(model.Config).Select(layer => Contrast.Places(tested, layer).Average())]
                )
            );
            start += written.Length;
        }
        var runs = Caps(questions);
        return new(
            Contrast.Layer,
            Contrast.Layers,
            [.. places.OrderByDescending(place => place.Projection.Mean)],
            Contrast.Separation,
            Contrast.Separates(Contrast.ShuffledAt(Contrast.Layer)),
            Enumerable
                .Range(0, options.Controls)
                .Select(control => Contrast.Separates(Contrast.RandomAt(Contrast.Layer, control)))
                .OfType<MeanEstimate>()
                .MaxBy(one => one.Mean),
            [.. runs.Select(run => PersonaEffect.Of(run, runs[0], options))]
        )
        {
            Runs = runs,
        };
    }

    private void Write(IReadOnlyList<PersonaRole> roles, PersonaQuestions questions)
    {
        PersonaRole[] played = [.. roles.Where(role => !role.IsDefault)];
        new Random(options.Seed).Shuffle(played);
        played = played[..Math.Min(played.Length, options.MaxRoles)];
        var makers = (played.Length + 1) / 2;
        var counting = progress.Counting("writing replies", "sets of replies", roles.Count(role => role.IsDefault) + played.Length);
        foreach (var role in roles.Where(role => role.IsDefault).Concat(played))
        {
            cancellationToken.ThrowIfCancellationRequested();
            _all.Add(
                (
                    role,
                    role.IsDefault || Array.IndexOf(played, role) < makers,
                    replies.Of($"role {role.Name}", role.Instruction, questions.All)
                )
            );
            counting?.Report(_all.Count);
        }
        Plain = _all.First(one => one.Role.IsDefault).Replies.ToDictionary(reply => reply.Question);
    }

    private List<PersonaRun> Caps(PersonaQuestions questions)
    {
        int[] layers = [.. ReplyMeans.Layers(model.Config).Where(layer => layer >= options.CapFrom * model.Config.Layers)];
        List<(string Name, Func<int, float[]> Vector)> directions =
        [
            (Assistant, Contrast.At),
            .. Enumerable
                .Range(0, options.Controls)
                .Select(control => ($"random {control + 1}", (Func<int, float[]>)(layer => Contrast.RandomAt(layer, control)))),
            (Shuffled, Contrast.ShuffledAt),
        ];
        var task = Task(questions);
        List<PersonaRun> runs = [folder.Part("cap none", () => meter.Measure(None, 0, Assistant, [], task))];
        var counting = progress.Counting("capping", "directions", directions.Count);
        foreach (var (name, vector) in directions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            runs.Add(
                folder.Part(
                    $"cap {name}",
                    () =>
                    {
                        float[][] vectors = [.. layers.Select(vector)];
                        var floors = Floors(layers, vectors, questions);
                        Edit[] edits =
                        [
                            .. layers.SelectMany((layer, i) => DirectionEdits.HoldAbove(model.Config, layer, vectors[i], floors[i], 1..)),
                        ];
                        return meter.Measure(Cap, options.CapQuantile, name, edits, task);
                    }
                )
            );
            counting?.Report(runs.Count - 1);
        }
        return runs;
    }

    /// <summary>Roles that did not make the axis, asked what did not make it; a cap should lead their replies to the default's.</summary>
    private PersonaTask Task(PersonaQuestions questions)
    {
        PersonaReply[] played =
        [
            .. _all.Where(one => !one.Role.IsDefault && !one.MadeAxis)
                .SelectMany(one => one.Replies)
                .Where(reply => questions.Test.Contains(reply.Question)),
        ];
        new Random(options.Seed).Shuffle(played);
        played = played[..Math.Min(played.Length, PromptsForOne * options.Test)];
        return new(
            [.. played.Select(one => one.Prompt)],
            Contrast.Layer,
            Contrast.Vector,
            [.. played.Select(one => (one.Prompt.Tokens.Ids, Plain[one.Question].Reply, one.Reply))],
            [.. questions.Test.Order().Select(question => (Plain[question].Prompt.Tokens.Ids, Plain[question].Reply))]
        );
    }

    /// <summary>The projections below which a share of the tokens of the default's own replies lies.</summary>
    private double[] Floors(int[] layers, float[][] vectors, PersonaQuestions questions)
    {
        ReadReply[] own =
        [
            .. _all.Where(one => one.Role.IsDefault)
                .SelectMany(one => one.Replies)
                .Where(reply => questions.Train.Contains(reply.Question))
                .Select(reply => reply.Read),
        ];
        var values = layers.Select(_ => new List<float>()).ToArray();
        foreach (var batch in own.Chunk(TextsTogether))
        {
            var monitor = new ActivationMonitor(
                model.Config,
                [.. layers.Select((layer, i) => Watch.Direction($"{layer}", Site.ResidPre(layer), vectors[i]))],
                reading =>
                {
                    if (reading.Position < batch[reading.Text].Start)
                        return;
                    for (var i = 0; i < values.Length; i++)
                        values[i].Add(reading.Values[i]);
                }
            );
            monitor.Read(model, [.. batch.Select(reply => reply.Ids)], cancellationToken: cancellationToken);
        }
        return
        [
            .. values.Select(one =>
            {
                one.Sort();
                return (double)one[(int)(options.CapQuantile * (one.Count - 1))];
            }),
        ];
    }
}

/// <summary>Questions in three parts.</summary>
internal sealed record PersonaQuestions(
    IReadOnlyList<(int Number, string Text)> All,
    HashSet<int> Train,
    HashSet<int> Validation,
    HashSet<int> Test
)
{
    public static PersonaQuestions Of(IReadOnlyList<StudyPrompt> prompts, PersonaStudyJobOptions options, string name)
    {
        var split = StudySplit.Of(prompts, options.Train, options.Validation, options.Test, null, options.Seed, name);
        var number = 0;
        List<(int, string)> all = [];
        HashSet<int> Part(IReadOnlyList<StudyPrompt> part)
        {
            HashSet<int> numbers = [];
            foreach (var prompt in part)
            {
                all.Add((number, prompt.Text));
                numbers.Add(number++);
            }
            return numbers;
        }
        var (train, validation, test) = (Part(split.Train), Part(split.Validation), Part(split.Test));
        return new(all, train, validation, test);
    }
}

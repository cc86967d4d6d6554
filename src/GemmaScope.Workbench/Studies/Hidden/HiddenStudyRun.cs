using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>One study of hidden knowledge, from conversations to ranks.</summary>
internal sealed class HiddenStudyRun(
    Microscope microscope,
    HiddenStudyJobOptions options,
    IReadOnlyList<SecretWord> words,
    IReadOnlyList<SecretTemplate> templates,
    Lens? lens,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    public const string Told = "told",
        Planted = "planted";

    private readonly GemmaModel _model = microscope.Model;
    private readonly InstructedPrompts _prompts = new(microscope.Model);
    private readonly string[] _names = ["logit lens", .. lens is null ? (string[])[] : [$"{lens.Kind} lens"]];
    private HiddenReader _reader = null!;
    private int[] _learn = [],
        _test = [],
        _choose = [],
        _measure = [];

    public HiddenStudyResult Measure()
    {
        var dictionaries = Dictionaries();
        using var logit = new LogitLens();
        _reader = new(_model, lens is null ? [logit] : [logit, lens], [.. dictionaries.Select(one => one.Dictionary)], words);
        (_learn, _test) = Halves(templates.Count, options.Seed);
        (_choose, _measure) = Halves(words.Count, unchecked(options.Seed + 1));
        var layer = options.PlantLayer ?? (_model.Config.Layers - 1) / 2;
        if (layer >= _model.Config.Layers - 1)
            throw new ArgumentProblemException(
                $"is {layer}; a secret is planted behind a layer before the last, 0 to {_model.Config.Layers - 2}",
                new Setting(nameof(options.PlantLayer))
            );
        progress.Stage("reading conversations without a secret");
        var plain = Read("control", _ => null, []);
        var length = options.PlantStrength * plain.Readings.Average(reading => (double)Norm(reading.Rows[layer]));
        List<(ReadConversations[] With, ReadConversations[] Without, string Condition)> conditions =
        [
            (All(Told, word => template => template.With(word.Word), _ => []), [.. words.Select(_ => plain)], Told),
            (
                All(
                    Planted,
                    _ => _ => null,
                    word => [PlantedToken.Plant(_model, word.Token, layer, length), PlantedToken.Suppress(_model, word.Token)]
                ),
                All("planted control", _ => _ => null, word => [PlantedToken.Suppress(_model, word.Token)]),
                Planted
            ),
        ];
        var densities = dictionaries.Select(one => folder.Part($"densities {one.Name}", () => Densities(one.Dictionary))).ToArray();
        List<HiddenReadout> readouts = [];
        List<HiddenCase> cases = [];
        foreach (var (with, without, condition) in conditions)
        foreach (var method in Methods(with, plain, dictionaries, densities))
        {
            var (readout, own) = Score(method, condition, with, without);
            readouts.Add(readout);
            cases.AddRange(own);
        }
        return new()
        {
            Model = microscope.ModelName,
            Files = [.. new[] { options.Words, options.Templates, options.Lens }.OfType<string>().Select(file => Path.GetFileName(file))],
            Words = [.. words.Select(word => word.Word)],
            Measured = [.. _measure.Select(word => words[word].Word)],
            Templates = [Ids(_learn), Ids(_test)],
            Top = options.Top,
            Chance = Math.Min(1, (double)options.Top / words.Count),
            PlantLayer = layer,
            Said =
            [
                .. conditions.Select(one => new HiddenSaid(
                    one.Condition,
                    StudyMeans.Share(_measure.SelectMany(word => _test.Select(template => one.With[word].IsSaid[template])), options)
                )),
            ],
            Readouts = readouts,
            Cases = cases,
            Findings = HiddenSummary.Findings(readouts, options.Top),
            NotShown = HiddenSummary.NotShown(options, readouts, words.Count, dictionaries.Count > 0, lens is not null),
            Seed = options.Seed,
        };

        string[] Ids(int[] places) => [.. places.Select(place => templates[place].Id)];
    }

    private IEnumerable<HiddenMethod> Methods(
        ReadConversations[] with,
        ReadConversations plain,
        IReadOnlyList<(string Name, SparseDictionary Dictionary)> dictionaries,
        double[][] densities
    )
    {
        HiddenReading[] controls = [.. _learn.Select(template => plain.Readings[template])];
        for (var i = 0; i < _names.Length; i++)
            yield return HiddenMethods.OfLens(_names[i], i, controls);
        yield return HiddenMethods.OfProbe(
            [.. with.Select(word => (IReadOnlyList<HiddenReading>)[.. _learn.Select(template => word.Readings[template])])],
            _model.Config.Layers
        );
        float[][] directions = [.. words.Select(word => PlantedToken.Direction(_model, word.Token))];
        foreach (var (place, (name, dictionary)) in dictionaries.Index())
        {
            var weights = HiddenMethods.Weights(dictionary, directions, words, options.Labels);
            foreach (var isWeighted in (bool[])[true, false])
                yield return HiddenMethods.OfFeatures(name, place, weights, densities[place], isWeighted, options.Features, controls);
        }
    }

    private (HiddenReadout Readout, HiddenCase[] Cases) Score(
        HiddenMethod method,
        string condition,
        ReadConversations[] with,
        ReadConversations[] without
    )
    {
        var others = Others();
        var layer = method
            .Layers.OrderByDescending(one => Successes(_choose, one, with).DefaultIfEmpty(0).Average())
            .ThenByDescending(one => Cases(_choose, one).Where(of => !of.IsSaid).Select(of => 1.0 / of.Rank).DefaultIfEmpty(0).Average())
            .First();
        HiddenCase[] cases = [.. Cases(_measure, layer)];
        double[] ByWord(Func<HiddenCase, bool> isSuccess) =>
            [.. cases.Where(one => !one.IsSaid).GroupBy(one => one.Word).Select(group => group.Average(one => isSuccess(one) ? 1.0 : 0))];
        return (
            new(
                method.Name,
                condition,
                layer < 0 ? null : layer,
                StudyMeans.Of(ByWord(one => one.Rank == 1), options),
                StudyMeans.Of(ByWord(one => one.Rank <= options.Top), options),
                StudyMeans.Of(ByWord(one => one.ControlRank <= options.Top), options),
                StudyMeans.Of(
                    [
                        .. _measure
                            .Where(word => _test.Any(template => !with[word].IsSaid[template]))
                            .Select(word =>
                                _test
                                    .Where(template => !with[word].IsSaid[template])
                                    .Average(template =>
                                        Rank(method.Scores(with[word].Readings[template], layer), others[word]) <= options.Top ? 1.0 : 0
                                    )
                            ),
                    ],
                    options
                ),
                cases.Where(one => !one.IsSaid).Select(one => (double?)one.Rank).Average(),
                [.. method.Layers.Select(one => Successes(_measure, one, with).DefaultIfEmpty(0).Average())]
            ),
            cases
        );

        IEnumerable<HiddenCase> Cases(int[] of, int at) =>
            of.SelectMany(word =>
                _test.Select(template => new HiddenCase(
                    method.Name,
                    condition,
                    words[word].Word,
                    templates[template].Id,
                    with[word].IsSaid[template],
                    Rank(method.Scores(with[word].Readings[template], at), word),
                    Rank(method.Scores(without[word].Readings[template], at), word)
                ))
            );

        IEnumerable<double> Successes(int[] of, int at, ReadConversations[] read) =>
            of.SelectMany(word =>
                _test
                    .Where(template => !read[word].IsSaid[template])
                    .Select(template => Rank(method.Scores(read[word].Readings[template], at), word) <= options.Top ? 1.0 : 0)
            );
    }

    /// <summary>For each word another one.</summary>
    private int[] Others()
    {
        int[] order = [.. Enumerable.Range(0, words.Count)];
        new Random(unchecked(options.Seed + 2)).Shuffle(order);
        var others = new int[words.Count];
        for (var i = 0; i < order.Length; i++)
            others[order[i]] = order[(i + 1) % order.Length];
        return others;
    }

    private ReadConversations[] All(
        string condition,
        Func<SecretWord, Func<SecretTemplate, string?>> instruction,
        Func<SecretWord, IReadOnlyList<Edit>> edits
    )
    {
        var counting = progress.Counting($"reading conversations, {condition}", "words", words.Count);
        List<ReadConversations> read = [];
        foreach (var word in words)
        {
            cancellationToken.ThrowIfCancellationRequested();
            read.Add(Read($"{condition} {word.Word}", instruction(word), edits(word), word));
            counting?.Report(read.Count);
        }
        return [.. read];
    }

    private ReadConversations Read(
        string name,
        Func<SecretTemplate, string?> instruction,
        IReadOnlyList<Edit> edits,
        SecretWord? word = null
    )
    {
        AskedPrompt[] asked =
        [
            .. templates.Select(template => _prompts.Ask(template.Id, instruction(template) ?? template.Control, template.Question)),
        ];
        var replies = folder.Part($"replies {name}", () => StudyReplies.Of(_model, asked, edits, options.MaxTokens, cancellationToken));
        // Behind the last message, where the word does not stand.
        ReadReply[] texts =
        [
            .. asked.Zip(replies, (prompt, reply) => new ReadReply([.. prompt.Tokens.Ids, .. reply], prompt.Tokens.Spans[^1].End)),
        ];
        return new(
            _reader.Read(texts, edits, cancellationToken),
            [
                .. replies.Select(reply =>
                    word is not null && StudyReplies.Text(_model, reply).Contains(word.Word, StringComparison.OrdinalIgnoreCase)
                ),
            ]
        );
    }

    private List<(string Name, SparseDictionary Dictionary)> Dictionaries()
    {
        List<(string, SparseDictionary)> found = [];
        foreach (var (dictionary, name) in microscope.Dictionaries.Zip(microscope.DictionaryNames))
            if (FeatureControls.Fits(dictionary, _model))
                found.Add((name, dictionary));
            else
                progress.Note($"{name} writes no vectors of the residual stream at one site; its features are not read.");
        return found;
    }

    private double[] Densities(SparseDictionary dictionary)
    {
        progress.Stage($"counting features of {dictionary.Name}");
        return FeatureControls
            .Activity(_model, dictionary, [.. new StudyText(_model, options.Text).Windows], cancellationToken: cancellationToken)
            .Densities;
    }

    private static (int[] First, int[] Second) Halves(int count, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(order);
        return ([.. order[..(count / 2)].Order()], [.. order[(count / 2)..].Order()]);
    }

    private static int Rank(double[] scores, int word) =>
        1 + scores.Index().Count(one => one.Item > scores[word] || (one.Item == scores[word] && one.Index < word));

    private static float Norm(float[] row) => TensorPrimitives.Norm<float>(row);

    private sealed record ReadConversations(HiddenReading[] Readings, bool[] IsSaid);
}

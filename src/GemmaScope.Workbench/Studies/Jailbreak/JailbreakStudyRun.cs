using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>One study of jailbreaks, from prompts to numbers; each part is measured once and kept in the run folder.</summary>
internal sealed class JailbreakStudyRun(
    Microscope microscope,
    JailbreakSets sets,
    JailbreakStudyJobOptions options,
    StudyFolder folder,
    ShieldGemma? shield,
    string? shieldName,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    private const int PromptsInPart = 32,
        PairsInPart = 8;

    private readonly GemmaModel _model = microscope.Model;
    private readonly List<(SparseDictionary Dictionary, string Name)> _dictionaries = Fitting(microscope, progress);

    public JailbreakStudyResult Measure()
    {
        var stored = GivenDirection.Read(options.Direction, _model);
        var layer = GivenDirection.LayerOf(stored, options.Direction);
        progress.Stage("finding refusals");
        var tokens = folder.Part("refusal tokens", RefusalTokens);
        var reader = new JailbreakReader(
            _model,
            [.. _dictionaries.Select(one => one.Dictionary)],
            stored,
            layer,
            tokens,
            options,
            shield,
            cancellationToken
        );
        var read = Read(reader);
        var readings = read.Select(one => one.Reading).ToArray();
        RequireRefusals(readings);
        var pairs = Pairs(reader, readings, Clamps(reader, read, layer, tokens));
        var summary = new JailbreakSummary(sets, readings, pairs, options);
        var separations = new JailbreakSeparations(
            sets,
            read,
            pairs,
            layer,
            [.. _dictionaries.Select(one => (one.Name, one.Dictionary.Width))],
            _model,
            options
        ).Measure();
        var direction = summary.DirectionEffect();
        var outcomes = summary.Outcomes();
        JailbreakDictionary[] dictionaries =
        [
            .. _dictionaries.Select((one, d) => summary.Dictionary(d, one.Name, $"{one.Dictionary.OutputSite}")),
        ];
        return new()
        {
            Model = microscope.ModelName,
            Shield = shieldName,
            Files =
            [
                .. new[] { options.Pairs, options.Requests, options.Wrappers, options.Harmless }
                    .OfType<string>()
                    .Select(path => Path.GetFileName(path)),
            ],
            RefusalTokens = tokens,
            RefusalWords = [.. tokens.Select(id => _model.Tokenizer.Decode([id]))],
            Behind = [.. sets.Behind.Select(id => _model.Tokenizer.Decode([id]))],
            Layer = layer,
            Outcomes = outcomes,
            Layers = summary.Places(_model.Config.Layers, 0, (reading, l) => reading.Last[l]),
            Positions = summary.Places(sets.Behind.Length, -sets.Behind.Length, (reading, i) => reading.Behind[i]),
            Direction = direction,
            Dictionaries = dictionaries,
            Separations = separations,
            Pairs = pairs,
            Prompts = Prompts(reader, readings),
            Findings = JailbreakFindings.Of(outcomes, direction, dictionaries, separations),
            NotShown = JailbreakFindings.NotShown(options, outcomes, separations, dictionaries, readings, shieldName),
            Seed = options.Seed,
        };
    }

    private int[] RefusalTokens() =>
        options.RefusalTokens.Count > 0
            ? RefusalWords.Of(_model, options.RefusalTokens)
            : RefusalWords.Find(
                _model,
                sets.Of(sets.Of(JailbreakSets.Plain).Count > 0 ? JailbreakSets.Plain : JailbreakSets.Wrapped),
                sets.Of(JailbreakSets.Harmless),
                options.MaxTokens,
                cancellationToken
            );

    private JailbreakFeatures[] Read(JailbreakReader reader)
    {
        var counting = progress.Counting("reading prompts", "prompts", sets.Prompts.Count);
        List<JailbreakFeatures> read = [];
        foreach (var chunk in sets.Prompts.Select(one => one.Asked).Chunk(PromptsInPart))
        {
            cancellationToken.ThrowIfCancellationRequested();
            read.AddRange(folder.Part($"read {read.Count}", () => reader.Read(chunk)));
            counting?.Report(read.Count);
        }
        return [.. read];
    }

    private void RequireRefusals(JailbreakReading[] readings)
    {
        int[] plain = [.. Enumerable.Range(0, readings.Length).Where(i => sets.Prompts[i].Set == JailbreakSets.Plain)];
        if (plain.Length == 0)
            progress.Note("no pair names its plain request; what wrappers change is not asked.");
        else if (!plain.Any(i => readings[i].Refused))
            throw new ArgumentProblemException(
                $"the model refuses none of {plain.Length} plain requests, so that no wrapper can change that",
                options.Pairs ?? options.Requests!
            );
    }

    private Dictionary<int, JailbreakClamped> Clamps(JailbreakReader reader, JailbreakFeatures[] read, int layer, int[] tokens)
    {
        double[][] densities = [.. _dictionaries.Select((one, d) => Densities(read, d, one.Dictionary.Width))];
        var clamps = new JailbreakClamps(
            _model,
            [.. _dictionaries.Select(one => one.Dictionary)],
            densities,
            reader.Unit,
            layer,
            tokens,
            options,
            cancellationToken
        );
        int[] paired = [.. Enumerable.Range(0, sets.Pairs.Count).Where(i => sets.Pairs[i].Plain is not null)];
        var counting = progress.Counting("clamping back", "pairs", paired.Length);
        Dictionary<int, JailbreakClamped> found = [];
        foreach (var chunk in paired.Chunk(PairsInPart))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var measured = folder.Part(
                $"clamp {chunk[0]}",
                () =>
                    chunk
                        .Select(i =>
                            clamps.Measure(i, sets.Prompts[sets.Pairs[i].Plain!.Value].Asked, sets.Prompts[sets.Pairs[i].Wrapped].Asked)
                        )
                        .ToArray()
            );
            foreach (var (i, one) in chunk.Zip(measured))
                found[i] = one;
            counting?.Report(found.Count);
        }
        return found;
    }

    /// <summary>In which share of the prompts each feature fires.</summary>
    private static double[] Densities(JailbreakFeatures[] read, int dictionary, int width)
    {
        var counts = new double[width];
        foreach (var one in read)
        foreach (var feature in one.Active[dictionary].Features)
            counts[feature] += 1.0 / read.Length;
        return counts;
    }

    private JailbreakPairResult[] Pairs(JailbreakReader reader, JailbreakReading[] readings, Dictionary<int, JailbreakClamped> clamped) =>
        [
            .. sets.Pairs.Select(
                (one, i) =>
                    new JailbreakPairResult(
                        one.Pair.Id,
                        one.Pair.Wrapper,
                        one.Plain,
                        one.Wrapped,
                        one.Plain is { } plain && readings[plain].Refused ? !readings[one.Wrapped].Refused : null,
                        clamped.GetValueOrDefault(i)
                    )
            ),
        ];

    private JailbreakPrompt[] Prompts(JailbreakReader reader, JailbreakReading[] readings)
    {
        var asked = sets.Prompts.Select(one => one.Asked).ToArray();
        var replies = options is { ShowTexts: true, MaxTokens: > 0 } ? reader.Replies(asked) : [];
        return
        [
            .. sets.Prompts.Select(
                (one, i) =>
                    new JailbreakPrompt(
                        one.Set,
                        sets.Name(i),
                        readings[i],
                        options.ShowTexts ? one.Asked.Prompt.Text : null,
                        replies.Length > 0 ? replies[i] : null
                    )
            ),
        ];
    }

    private static List<(SparseDictionary, string)> Fitting(Microscope microscope, IProgress<JobReport>? progress)
    {
        List<(SparseDictionary, string)> fitting = [];
        foreach (var (dictionary, name) in microscope.Dictionaries.Zip(microscope.DictionaryNames))
            if (FeatureControls.Fits(dictionary, microscope.Model))
                fitting.Add((dictionary, name));
            else
                progress.Note($"{name} writes no vectors of the residual stream at one site; its features are not compared.");
        return fitting;
    }
}

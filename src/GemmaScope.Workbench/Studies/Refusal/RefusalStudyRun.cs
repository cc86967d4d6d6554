using GemmaScope.Behaviour;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>One study of refusal, from prompts to numbers; each part is measured once and kept in the run folder.</summary>
internal sealed class RefusalStudyRun
{
    private readonly Microscope _microscope;
    private readonly GemmaModel _model;
    private readonly RefusalSets _sets;
    private readonly RefusalStudyJobOptions _options;
    private readonly StudyFolder _folder;
    private readonly string? _shieldName;
    private readonly IProgress<JobReport>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly int[] _refusalTokens;
    private readonly RefusalMeter _meter;

    public RefusalStudyRun(
        Microscope microscope,
        RefusalSets sets,
        RefusalStudyJobOptions options,
        StudyFolder folder,
        ShieldGemma? shield,
        string? shieldName,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        (_microscope, _model, _sets, _options, _folder) = (microscope, microscope.Model, sets, options, folder);
        (_shieldName, _progress, _cancellationToken) = (shieldName, progress, cancellationToken);
        _progress.Stage("finding refusals");
        _refusalTokens = _folder.Part("refusal tokens", RefusalTokens);
        _meter = new(_model, sets, options, _refusalTokens, shield, sets.Tasks, cancellationToken);
    }

    public RefusalStudyResult Measure()
    {
        _progress.Stage("reading refusal scores");
        var scores = _folder.Part("scores", Scores);
        var (harmful, harmless) = (_sets.HarmfulSplit, _sets.HarmlessSplit);
        var refused = Kept(harmful.Train, scores, "train", RefusalSets.Harmful, refused: true);
        var answered = Kept(harmless.Train, scores, "train", RefusalSets.Harmless, refused: false);
        var directions = ClassDirections.Of(
            _model,
            refused,
            answered,
            _sets.PostInstruction.Length,
            _progress.Counting("reading directions", "prompts", refused.Length + answered.Length),
            _cancellationToken
        );
        var candidates = _options.Direction is null ? Candidates(directions, scores) : [];
        var (direction, vector) = _options.Direction is { } file ? Given(file) : Chosen(directions, candidates);
        DirectionFile.Write(_folder.File(RefusalStudyJob.DirectionName), new(vector, direction.Layer, direction.Position), overwrite: true);
        var position = direction.Position ?? -1;
        var (layers, plane) = Geometry(directions, vector, direction.Layer, Math.Max(position, -_sets.PostInstruction.Length));
        var runs = Runs(vector, direction.Layer, position, answered);
        var features = Features(vector);
        var effects = runs.Select(run => RefusalSummary.Of(run, runs[0], _options)).ToArray();
        return new()
        {
            Model = _microscope.ModelName,
            Shield = _shieldName,
            Files =
            [
                .. new[] { _options.Harmful, _options.Harmless, _options.OverRefusal, _options.Tasks }
                    .OfType<string>()
                    .Select(path => Path.GetFileName(path)),
            ],
            Parts = RefusalSummary.Parts(_sets, scores),
            RefusalTokens = _refusalTokens,
            RefusalWords = [.. _refusalTokens.Select(id => _model.Tokenizer.Decode([id]))],
            PostInstruction = [.. _sets.PostInstruction.Select(id => _model.Tokenizer.Decode([id]))],
            Direction = direction,
            Candidates = candidates,
            Layers = layers,
            Plane = plane,
            Effects = effects,
            Features = features,
            Findings = RefusalSummary.Findings(effects),
            NotShown = RefusalSummary.NotShown(_options, direction, effects, features, _shieldName, _meter.TextTokens, _sets.Tasks?.Count),
            Seed = _options.Seed,
            Prompts = Prompts(),
            Runs = runs,
        };
    }

    private int[] RefusalTokens() =>
        _options.RefusalTokens.Count > 0
            ? RefusalWords.Of(_model, _options.RefusalTokens)
            : RefusalWords.Find(_model, _sets.HarmfulSplit.Train, _sets.HarmlessSplit.Train, _options.MaxTokens, _cancellationToken);

    /// <summary>Refusal scores of the unedited model for each part and set.</summary>
    private Dictionary<string, double[]> Scores()
    {
        var scores = new Dictionary<string, double[]>();
        foreach (var (part, set, prompts) in RefusalSummary.All(_sets))
            scores[$"{part} {set}"] = NextTokens
                .Of(_model, prompts.Ids(), cancellationToken: _cancellationToken)
                .RefusalScores(_refusalTokens);
        return scores;
    }

    private int[][] Kept(IReadOnlyList<AskedPrompt> prompts, Dictionary<string, double[]> scores, string part, string set, bool refused)
    {
        var kept = prompts.Kept(scores[$"{part} {set}"], refused);
        if (kept.Length > 0)
            return kept;
        using var run = _model.Run(prompts[0].Tokens.Ids, logits: LogitRows.Last, cancellationToken: _cancellationToken);
        var first = string.Join(", ", run.TopNextTokens(3).Select(one => $"'{_model.Tokenizer.Decode([one.Token])}'"));
        throw new ArgumentProblemException(
            refused
                ? $"the model refuses none of {prompts.Count} harmful prompts ({part}), so there is nothing to study; its replies begin with {first}, "
                    + $"refusals were taken to begin with {string.Join(", ", _refusalTokens.Select(id => $"'{_model.Tokenizer.Decode([id])}'"))}"
                : $"the model refuses all of {prompts.Count} harmless prompts ({part}), so there are no two classes; its replies begin with {first}",
            new Setting(nameof(_options.RefusalTokens))
        );
    }

    private List<DirectionCandidate> Candidates(ClassDirections directions, Dictionary<string, double[]> scores)
    {
        var harmful = Kept(_sets.HarmfulSplit.Validation, scores, "validation", RefusalSets.Harmful, refused: true);
        var harmless = Kept(_sets.HarmlessSplit.Validation, scores, "validation", RefusalSets.Harmless, refused: false);
        var clean = new Lazy<NextTokens>(() => NextTokens.Of(_model, harmless, cancellationToken: _cancellationToken));
        int[] layers = [.. Enumerable.Range(0, directions.Layers).Where(layer => _options.Rule.IsEarly(layer, directions.Layers))];
        var counting = _progress.Counting("trying directions", "directions", layers.Length * directions.Positions);
        List<DirectionCandidate> candidates = [];
        foreach (var layer in layers)
            for (var position = -directions.Positions; position < 0; position++)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                var (at, of) = (layer, position);
                candidates.Add(
                    _folder.Part(
                        $"candidate {layer} {position}",
                        () =>
                            DirectionCandidate.Measure(
                                _model,
                                directions,
                                at,
                                of,
                                harmful,
                                harmless,
                                clean.Value,
                                _refusalTokens,
                                _cancellationToken
                            )
                    )
                );
                counting?.Report(candidates.Count);
            }
        return candidates;
    }

    private (RefusalDirection Direction, ReadOnlyMemory<float> Vector) Chosen(
        ClassDirections directions,
        List<DirectionCandidate> candidates
    )
    {
        var passing = _options.Rule.Choose(candidates, directions.Layers);
        var chosen =
            passing
            ?? candidates.Where(one => one.IsDirection).MinBy(one => one.AblatedScore)
            ?? throw new ArgumentProblemException("no layer is early enough for a direction", new Setting(nameof(_options.LayersBelow)));
        if (passing is null)
            _progress.Note("no direction passes the rule; the one without which refusal is least is studied, whatever it damages.");
        return (
            new(
                passing is null ? "least refusal when taken out; passes no rule" : "chosen by the rule on validation prompts",
                passing is not null,
                chosen.Layer,
                chosen.Position,
                directions.Norm(chosen.Layer, chosen.Position)
            ),
            directions[chosen.Layer, chosen.Position]
        );
    }

    private (RefusalDirection Direction, ReadOnlyMemory<float> Vector) Given(string file)
    {
        var stored = GivenDirection.Read(file, _model);
        var layer = GivenDirection.LayerOf(stored, file);
        return (new("given", null, layer, stored.Position, ControlDirections.Norm(stored.Vector)), stored.Vector);
    }

    private (RefusalLayer[] Layers, RefusalPlane Plane) Geometry(
        ClassDirections directions,
        ReadOnlyMemory<float> vector,
        int layer,
        int position
    )
    {
        int[][] prompts = [.. _sets.HarmfulSplit.Test.Ids(), .. _sets.HarmlessSplit.Test.Ids()];
        var harmful = _sets.HarmfulSplit.Test.Count;
        bool[] labels = [.. prompts.Select((_, i) => i < harmful)];
        var counting = _progress.Counting("reading layers", "prompts", prompts.Length);
        var residuals = PromptResiduals.Read(_model, prompts, position, counting, _cancellationToken);
        var norm = ControlDirections.Norm(vector);
        double Dot(float[] row) => row.Zip(vector.ToArray(), (a, b) => (double)a * b).Sum();
        RefusalLayer[] layers =
        [
            .. Enumerable
                .Range(0, directions.Layers)
                .Select(l =>
                {
                    double[] projections = [.. residuals[l].Select(row => Dot(row) / norm)];
                    var own = directions[l, position];
                    return new RefusalLayer(
                        l,
                        directions.Means(l, position),
                        directions.Norm(l, position) > 0 ? Dot(own.ToArray()) / norm / ControlDirections.Norm(own) : null,
                        ClassSeparation.Silhouette(residuals[l], labels),
                        // Where all prompts are the same, there is nothing to tell apart.
                        projections.Distinct().Count() > 1
                            ? Ranking.AurocOf(labels, projections)
                            : null,
                        projections[..harmful].Average(),
                        projections[harmful..].Average()
                    );
                }),
        ];
        var plane = ClassSeparation.Plane(residuals[layer]);
        double[][] places = [.. plane.Places.Select(place => (double[])[place.X, place.Y])];
        return (layers, new(plane.FirstShare, plane.SecondShare, places[..harmful], places[harmful..]));
    }

    private RefusalRun[] Runs(ReadOnlyMemory<float> vector, int layer, int position, int[][] answered)
    {
        var edits = RefusalEdits.All(vector, ShuffledDirection(layer, position, answered), _options);
        var counting = _progress.Counting("trying edits", "edits", edits.Count);
        List<RefusalRun> runs = [];
        foreach (var edit in edits)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            // Replies are what takes time; controls write theirs at the strength that counts.
            var withReplies =
                _options.MaxTokens > 0 && (edit.Direction == RefusalEdits.Studied || edit.Strength == _options.Strengths.Max());
            runs.Add(_folder.Part(edit.Name, () => _meter.Measure(edit, layer, withReplies)));
            counting?.Report(runs.Count);
        }
        return [.. runs];
    }

    /// <summary>A direction between prompts of one class, made as the other one is: what a difference of means does that means
    /// nothing.</summary>
    private ReadOnlyMemory<float>? ShuffledDirection(int layer, int position, int[][] answered)
    {
        if (answered.Length < 4)
            return null;
        int[][] mixed = [.. answered];
        new Random(_options.Seed).Shuffle(mixed);
        var half = mixed.Length / 2;
        var directions = ClassDirections.Of(
            _model,
            mixed[..half],
            mixed[half..],
            _sets.PostInstruction.Length,
            cancellationToken: _cancellationToken
        );
        position = Math.Max(position, -directions.Positions);
        return directions.Norm(layer, position) > 0 ? directions[layer, position] : null;
    }

    private List<RefusalFeatures> Features(ReadOnlyMemory<float> vector)
    {
        List<RefusalFeatures> found = [];
        foreach (var (dictionary, name) in _microscope.Dictionaries.Zip(_microscope.DictionaryNames))
        {
            if (!FeatureControls.Fits(dictionary, _model))
            {
                _progress.Note($"{name} writes no vectors of the residual stream at one site; its features are not compared.");
                continue;
            }
            _progress.Stage($"clamping features of {name}");
            var study = new RefusalFeatureStudy(_model, _sets, _meter, _options, _refusalTokens[0], _cancellationToken);
            found.Add(_folder.Part($"features {name}", () => study.Measure(dictionary, vector)) with { Dictionary = name });
        }
        return found;
    }

    private RefusalPrompt[] Prompts() =>
        [
            .. _sets.Tests.SelectMany(test =>
            {
                var replies = _options is { ShowTexts: true, MaxTokens: > 0 } ? _meter.Replies(test.Prompts, []) : [];
                return test.Prompts.Select(
                    (one, i) =>
                        new RefusalPrompt(
                            test.Set,
                            one.Prompt.Id,
                            _options.ShowTexts ? one.Prompt.Text : null,
                            replies.Length > 0 ? replies[i] : null
                        )
                );
            }),
        ];
}

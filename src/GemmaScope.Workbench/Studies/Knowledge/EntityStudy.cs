using GemmaScope.Behaviour;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Directions and features that separate known from unknown names: chosen on one half, tested on the other, with and without names that
/// match in length and frequency.</summary>
internal sealed class EntityStudy(
    Microscope microscope,
    KnowledgeStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    // What is no knowledge, and separates names all the same.
    internal const string Tokens = "number of tokens",
        Frequency = "frequency",
        Words = "bag of words";

    // The last token of the name (AskedTexts.Points).
    private const int Point = 0,
        FewestNames = 8,
        FewestPairs = 4;

    private readonly GemmaModel _model = microscope.Model;

    /// <summary>The names of which it is decided whether they are known, or why there is nothing to measure.</summary>
    /// <exception cref="ArgumentProblemException">The file decides, and all are of one kind.</exception>
    public static (IReadOnlyList<Entity> Names, string? Missing) Decided(
        IReadOnlyList<Entity> names,
        KnowledgeFacts? facts,
        IReadOnlyList<Fact> given
    )
    {
        var known = facts is null
            ? []
            : given
                .Zip(facts.Rows)
                .DistinctBy(one => one.First.Subject)
                .ToDictionary(one => one.First.Subject, one => one.Second.Known.Rank <= facts.Rank);
        Entity[] decided =
        [
            .. names
                .Select(one => one with { Known = one.Known ?? (known.TryGetValue(one.Name, out var isKnown) ? isKnown : null) })
                .Where(one => one.Known is not null),
        ];
        int yes = decided.Count(one => one.Known == true),
            no = decided.Length - yes;
        if (names.All(one => one.Known is not null) && Math.Min(yes, no) < FewestNames)
            throw new ArgumentProblemException(
                $"{yes} known and {no} unknown names are too few; {FewestNames} of each are the least",
                new Setting(nameof(KnowledgeStudyJobOptions.Entities))
            );
        if (decided.Length == 0)
            throw new ArgumentProblemException(
                "no row says whether its name is known ('known'), and none is the subject of a fact",
                new Setting(nameof(KnowledgeStudyJobOptions.Entities))
            );
        return Math.Min(yes, no) < FewestNames
            ? (
                [],
                $"Of the names of which the facts decide the model knows {yes} and does not know {no}: too few of a kind to look for what separates them."
            )
            : (decided, null);
    }

    public KnowledgeEntities Measure(IReadOnlyList<Entity> given, string source)
    {
        progress.Stage("reading names");
        var asked = AskedTexts.Of(_model, options.EntityQuestion, [.. given.Select(one => one.Name)], progress);
        Entity[] names = [.. asked.Kept.Select(i => given[i])];
        var set = new EntitySet(asked, names, options.Seed, _model.Tokenizer.VocabularySize);
        var rows = new Lazy<ResidualReadings>(() =>
            asked.Read(_model, null, options.Organism, progress.Counting("reading names", "names", names.Length), cancellationToken)
        );
        var layers = folder.Part("entity layers", () => Layers(set, rows.Value));
        var layer = layers.MaxBy(one => one.Selected ?? 0)!.Layer;
        var direction = folder.Part("entity direction", () => Direction(set, rows.Value, layer));
        List<EntityScore> scores =
        [
            Score(set, $"direction of layer {layer}", null, direction.Scores, layers[layer].Selected),
            Score(set, Tokens, null, [.. set.Tokens.Select(one => (double)one)]),
            Score(set, Frequency, null, set.Frequencies),
            Score(set, Words, null, folder.Part("entity words", () => WordScores(set))),
        ];
        List<EntitySteering> steered = [];
        var steering = new EntitySteeringStudy(_model, set, options, cancellationToken);
        steered.AddRange(folder.Part("entity steering", () => steering.Along(direction.Vector, layer)));
        foreach (var (dictionary, name) in microscope.Dictionaries.Zip(microscope.DictionaryNames))
        {
            if (!FeatureControls.Fits(dictionary, _model))
            {
                progress.Note($"{name} writes no vectors of the residual stream at one site; its features are not compared.");
                continue;
            }
            progress.Stage($"comparing features of {name}");
            var features = folder.Part($"entity features {name}", () => Features(set, dictionary));
            scores.AddRange(features.Chosen.Select(one => Score(set, name, one.Feature, one.Values)));
            steered.AddRange(folder.Part($"entity steering {name}", () => steering.With(dictionary, name, features)));
        }
        return new(
            names.Count(one => one.Known == true),
            names.Count(one => one.Known == false),
            source,
            set.FrequencySource,
            set.Pairs.Count,
            EntityMatching.Difference(set.Known, set.Tokens, set.Frequencies, set.Test),
            EntityMatching.Difference(set.Known, set.Tokens, set.Frequencies, set.Matched),
            layers,
            scores,
            steered,
            [
                .. names.Select(
                    (one, i) =>
                        new EntityReading(
                            one.Id,
                            options.ShowTexts ? one.Name : null,
                            set.Known[i],
                            set.Tokens[i],
                            set.Frequencies[i],
                            set.Test.Contains(i),
                            set.Matched.Contains(i),
                            direction.Scores[i]
                        )
                ),
            ]
        );
    }

    /// <summary>The direction of each layer: chosen by how those of two halves of the first half do on each other.</summary>
    private EntityLayer[] Layers(EntitySet set, ResidualReadings rows)
    {
        var (one, other) = ContrastStudy.Halves(set.Train, set.Known, options.Seed + 1);
        return
        [
            .. Enumerable
                .Range(0, _model.Config.Layers)
                .Select(layer =>
                {
                    var own = rows[Site.ResidPost(layer), Point];
                    return new EntityLayer(layer, (Auroc(own, one, other) + Auroc(own, other, one)) / 2, Auroc(own, set.Train, set.Test));
                }),
        ];

        double? Auroc(IReadOnlyList<float[]> own, int[] fit, int[] read) =>
            Ranking.AurocOf(EntitySet.Of(set.Known, read), Fit(set, own, fit).Scores(EntitySet.Of(own, read)));
    }

    private EntityDirection Direction(EntitySet set, ResidualReadings rows, int layer)
    {
        var own = rows[Site.ResidPost(layer), Point];
        var vector = new float[_model.Config.Width];
        foreach (var kind in set.Train.GroupBy(i => set.Known[i]))
        foreach (var i in kind)
            for (var c = 0; c < vector.Length; c++)
                vector[c] += (kind.Key ? 1 : -1) * own[i][c] / kind.Count();
        return new(vector, Fit(set, own, set.Train).Scores(own));
    }

    private ActivationProbe Fit(EntitySet set, IReadOnlyList<float[]> rows, int[] places) =>
        ActivationProbe.Fit(ProbeMethod.MassMean, EntitySet.Of(rows, places), EntitySet.Of(set.Known, places), cancellationToken);

    private double[] WordScores(EntitySet set)
    {
        var words = BagOfWords.Count(
            Enumerable.Range(0, set.Known.Length).Select(i => set.Asked.Words(i).AsEnumerable()),
            _model.Tokenizer.VocabularySize
        );
        return LogisticProbe
            .Fit(
                SparseProducts.Rows(words, set.Train),
                EntitySet.Of(set.Known, set.Train),
                new LogisticOptions { GradientTolerance = 1e-3 },
                cancellationToken
            )
            .Scores(words);
    }

    /// <summary>The features that separate the first half best, on either side.</summary>
    private EntityFeatures Features(EntitySet set, SparseDictionary dictionary)
    {
        var values = new Dictionary<int, double[]>();
        var (densities, largest) = FeatureControls.Activity(
            _model,
            dictionary,
            set.Asked.Ids,
            (prompt, features, start, _) =>
            {
                var row = start + set.Asked.Spans[prompt].End - 1;
                for (var i = 0; i < features.Indices(row).Length; i++)
                {
                    var feature = features.Indices(row)[i];
                    if (!values.TryGetValue(feature, out var own))
                        values[feature] = own = new double[set.Known.Length];
                    own[prompt] = features.Values(row)[i];
                }
            },
            options.Organism,
            cancellationToken
        );
        var known = EntitySet.Of(set.Known, set.Train);
        var ranked = values
            .Select(one => (Feature: one.Key, one.Value, Auroc: Ranking.AurocOf(known, EntitySet.Of(one.Value, set.Train)) ?? 0.5))
            .OrderByDescending(one => one.Auroc)
            .ThenBy(one => one.Feature)
            .ToArray();
        return new(
            [
                .. ranked
                    .Take(options.Features)
                    .Where(one => one.Auroc > 0.5)
                    .Select(one => new EntityFeature(one.Feature, "known", one.Value)),
                .. ranked
                    .Reverse()
                    .Take(options.Features)
                    .Where(one => one.Auroc < 0.5)
                    .Select(one => new EntityFeature(one.Feature, "unknown", one.Value)),
            ],
            densities,
            largest
        );
    }

    /// <summary>A score turned so that it is larger on the side on which it is larger in the first half.</summary>
    private EntityScore Score(EntitySet set, string name, int? feature, double[] values, double? selected = null)
    {
        var own = Ranking.AurocOf(EntitySet.Of(set.Known, set.Train), EntitySet.Of(values, set.Train)) ?? 0.5;
        var isKnown = own >= 0.5;
        double[] turned = isKnown ? values : Array.ConvertAll(values, value => -value);
        return new(
            name,
            feature,
            isKnown ? "known" : "unknown",
            selected ?? Math.Max(own, 1 - own),
            Auroc(set.Test),
            set.Pairs.Count < FewestPairs ? null : Auroc(set.Matched)
        );

        MeanEstimate? Auroc(int[] places) =>
            KnowledgeMeans.Auroc(EntitySet.Of(set.Known, places), EntitySet.Of(turned, places), null, options);
    }
}

/// <summary>A direction from unknown to known names, and each name's score along it.</summary>
internal sealed record EntityDirection(float[] Vector, double[] Scores);

/// <summary>A feature that separates names.</summary>
/// <param name="Feature">Which.</param>
/// <param name="Side">Where it is larger.</param>
/// <param name="Values">Its activation at the end of each name.</param>
internal sealed record EntityFeature(int Feature, string Side, double[] Values);

/// <summary>Features that separate names, and what is needed to raise them beside others.</summary>
/// <param name="Chosen">The features.</param>
/// <param name="Densities">How often each feature of the dictionary fires.</param>
/// <param name="Largest">How strongly each does at most.</param>
internal sealed record EntityFeatures(EntityFeature[] Chosen, double[] Densities, double[] Largest);

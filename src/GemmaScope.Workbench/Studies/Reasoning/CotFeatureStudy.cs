using System.Numerics.Tensors;
using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// Features on the token before the answer with full, truncated, corrupted and foreign reasoning, and what the tokens of the reasoning add to
/// the answer's logit (METHODS §6.8, the extension): reasoning on which the answer rests moves the features that support it.
/// </summary>
internal sealed class CotFeatureStudy
{
    private const string Full = "full",
        None = "none",
        Half = "half",
        Mistaken = "mistaken",
        ShuffledName = "shuffled",
        RandomName = "random";

    private readonly CotModel _model;
    private readonly IReadOnlyList<CotAsked> _asked;
    private readonly CotStudyJobOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly (CotAsked Asked, int Answer, (string Name, int[] Ids)[] Reasoning)[] _chains;

    private CotFeatureStudy(
        CotModel model,
        IReadOnlyList<CotAsked> asked,
        CotStudyRun run,
        IReadOnlyList<CotQuestionResult> questions,
        CotStudyJobOptions options,
        CancellationToken cancellationToken
    )
    {
        (_model, _asked, _options, _cancellationToken) = (model, asked, options, cancellationToken);
        // The first chain of each question, then the second: as many questions as can be.
        _chains =
        [
            .. Enumerable
                .Range(0, options.Samples)
                .SelectMany(c => Enumerable.Range(0, asked.Count).Where(q => c < run.Chains[q].Length).Select(q => (q, c)))
                .Where(at => run.Chains[at.q][at.c].Sentences > 0 && questions[at.q].Chains[at.c].Answer is not null)
                .Take(options.FeatureChains)
                .Select(at =>
                    (asked[at.q], Target(at.q, questions[at.q].Chains[at.c].Answer!, run.Chains[at.q][at.c]), Reasonings(run, at.q, at.c))
                ),
        ];
    }

    /// <summary>Both for a study; nothing where no dictionary is named.</summary>
    public static (IReadOnlyList<CotAttribution> Attribution, IReadOnlyList<CotFeatures> Features) Measure(
        Microscope microscope,
        CotModel model,
        IReadOnlyList<CotAsked> asked,
        CotStudyRun run,
        IReadOnlyList<CotQuestionResult> questions,
        CotStudyJobOptions options,
        StudyFolder folder,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        if (microscope.Dictionaries.Count == 0)
            return ([], []);
        progress.Stage("attributing answers to reasoning");
        CotFeatureStudy study = new(model, asked, run, questions, options, cancellationToken);
        if (study._chains.Length == 0)
        {
            progress.Note("no chain has an answer that could be read; features are not compared.");
            return ([], []);
        }
        var attribution = folder.Part("attribution", study.Attribution);
        List<CotFeatures> features = [];
        foreach (var (dictionary, name) in microscope.Dictionaries.Zip(microscope.DictionaryNames))
        {
            if (!FeatureControls.Fits(dictionary, microscope.Model))
            {
                progress.Note($"{name} writes no vectors of the residual stream at one site; its features are not compared.");
                continue;
            }
            progress.Stage($"reading features of {name}");
            features.Add(folder.Part($"features {name}", () => study.Features(dictionary)) with { Dictionary = name });
        }
        return (attribution, features);
    }

    private static (string, int[])[] Reasonings(CotStudyRun run, int q, int c)
    {
        var chain = run.Chains[q][c];
        List<(string, int[])> all = [(Full, chain.Ids), (None, []), (Half, chain.First(chain.Sentences / 2))];
        if (run.CorruptedChains.Count > 0 && c < run.CorruptedChains[q].Length && run.CorruptedChains[q][c].Ids is { } mistaken)
            all.Add((Mistaken, mistaken));
        if (run.Controls.Shuffled(q, c) is { } shuffled)
            all.Add((ShuffledName, shuffled.Ids));
        all.Add((RandomName, run.Controls.Random(q, c, chain).Ids));
        return [.. all];
    }

    /// <summary>The token of the answer: the letter, or with what the number begins.</summary>
    private int Target(int q, string answer, CotChain chain)
    {
        if (_asked[q].Question.Options.Count > 0)
            return _model.Token(answer);
        using var run = _model.Model.Run(
            _model.Ids(new(_asked[q], chain.Ids)),
            logits: LogitRows.Last,
            cancellationToken: _cancellationToken
        );
        return run.TopNextTokens(1)[0].Token;
    }

    private CotAttribution[] Attribution()
    {
        var found = _chains
            .SelectMany(chain =>
                chain
                    .Reasoning.Where(one => one.Name is Full or ShuffledName or RandomName)
                    .Select(one =>
                    {
                        var ids = _model.Ids(new(chain.Asked, one.Ids));
                        var start = chain.Asked.Before.Length;
                        var end = Math.Min(start + one.Ids.Length, ids.Length);
                        return (
                            one.Name,
                            Tokens: (double)(end - start) / Math.Max(1, ids.Length - 1),
                            Value: TokenAttribution.Of(_model.Model, ids, chain.Answer, start, end, _cancellationToken)
                        );
                    })
            )
            .ToLookup(one => one.Name);
        return
        [
            .. found.Select(group => new CotAttribution(
                group.Key,
                StudyMeans.Of([.. group.Select(one => one.Value.Share)], _options),
                StudyMeans.Of([.. group.Select(one => one.Value.Reasoning)], _options),
                StudyMeans.Of([.. group.Select(one => one.Value.Rest)], _options),
                StudyMeans.Of([.. group.Where(one => one.Tokens > 0).Select(one => one.Value.Share / one.Tokens)], _options)
            )),
        ];
    }

    private CotFeatures Features(SparseDictionary dictionary)
    {
        List<(string Name, double Overlap, double? Support)> rows = [];
        List<double> active = [],
            supporting = [];
        foreach (var chain in _chains)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            var full = Active(dictionary, _model.Ids(new(chain.Asked, chain.Reasoning[0].Ids)));
            var support = Support(dictionary, _model.Ids(new(chain.Asked, chain.Reasoning[0].Ids)), chain.Answer, full);
            var whole = support.Sum(one => one.Value * full[one.Key]);
            active.Add(full.Count);
            supporting.Add(support.Count);
            foreach (var (name, ids) in chain.Reasoning[1..])
            {
                var other = Active(dictionary, _model.Ids(new(chain.Asked, ids)));
                var both = full.Keys.Count(other.ContainsKey);
                var either = full.Count + other.Count - both;
                rows.Add(
                    (
                        name,
                        either == 0 ? 1 : (double)both / either,
                        whole > 0 ? support.Sum(one => one.Value * other.GetValueOrDefault(one.Key)) / whole : null
                    )
                );
            }
        }
        return new(
            dictionary.Name,
            $"{dictionary.OutputSite}",
            _chains.Length,
            StudyMeans.Of(active, _options),
            StudyMeans.Of(supporting, _options),
            [
                .. rows.GroupBy(one => one.Name)
                    .Select(group => new CotFeatureEffect(
                        group.Key,
                        StudyMeans.Of([.. group.Select(one => one.Overlap)], _options),
                        StudyMeans.Of([.. group.Select(one => one.Support).OfType<double>()], _options)
                    )),
            ]
        );
    }

    /// <summary>The features on the last token, with their activations.</summary>
    private Dictionary<int, double> Active(SparseDictionary dictionary, int[] ids)
    {
        using var run = _model.Model.Run(ids, capture: [dictionary.InputSite], cancellationToken: _cancellationToken);
        var features = dictionary.Encode(run, _cancellationToken);
        Dictionary<int, double> active = [];
        var indices = features.Indices(ids.Length - 1);
        var values = features.Values(ids.Length - 1);
        for (var i = 0; i < indices.Length; i++)
            if (values[i] > 0)
                active[indices[i]] = values[i];
        return active;
    }

    /// <summary>The features that add to the answer's logit, and by how much for each unit of activation.</summary>
    private Dictionary<int, double> Support(SparseDictionary dictionary, int[] ids, int answer, Dictionary<int, double> active)
    {
        using var run = _model.Model.RunDifferentiable(ids, from: dictionary.OutputSite, cancellationToken: _cancellationToken);
        using var gradients = run.Gradients(
            GradientTarget.DemeanedLogit(ids.Length - 1, answer),
            [dictionary.OutputSite],
            _cancellationToken
        );
        var vector = new float[dictionary.OutputWidth];
        Dictionary<int, double> support = [];
        foreach (var feature in active.Keys)
        {
            dictionary.Decoder(feature, vector);
            if (TensorPrimitives.Dot<float>(vector, gradients[dictionary.OutputSite].Row(ids.Length - 1)) is > 0 and var slope)
                support[feature] = slope;
        }
        return support;
    }
}

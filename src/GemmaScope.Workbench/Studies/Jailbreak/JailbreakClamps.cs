using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// Moves what a wrapper has changed back to what it is in the plain request (METHODS §6.7): features one by one and together, and the
/// projection on the direction, each beside something that means nothing and is moved as far. It is done at the positions behind the
/// request, which both prompts have in common; what is before them is read once.
/// </summary>
internal sealed class JailbreakClamps(
    GemmaModel model,
    IReadOnlyList<SparseDictionary> dictionaries,
    IReadOnlyList<double[]> densities,
    float[] unit,
    int layer,
    int[] refusalTokens,
    JailbreakStudyJobOptions options,
    CancellationToken cancellationToken
)
{
    /// <summary>What clamping back does in one pair.</summary>
    /// <param name="pair">The pair's number, which decides about its controls.</param>
    /// <param name="plain">The plain request.</param>
    /// <param name="wrapped">The wrapped one.</param>
    public JailbreakClamped Measure(int pair, AskedPrompt plain, AskedPrompt wrapped)
    {
        var behind = wrapped.Tokens.PostInstruction.Length;
        var site = Site.ResidPre(layer);
        using var plainRun = Read(plain, site);
        using var wrappedRun = Read(wrapped, site);
        double[] Projections(ModelRun run) =>
            [.. Rows(run[site].Rows).Select(row => (double)TensorPrimitives.Dot<float>(run[site].Row(row), unit))];
        float[] back = [.. Projections(plainRun).Zip(Projections(wrappedRun), (to, from) => (float)(to - from))];
        List<RowMove[]> moves =
        [
            [],
            [new(site, unit, back)],
            [new(site, ControlDirections.Random(unit, Seed(pair, 0)), back)],
        ];
        List<(int[] Features, double[] Changes, int[] Controls)> chosen = [];
        foreach (var (d, dictionary) in dictionaries.Index())
        {
            var (before, after) = (dictionary.Encode(plainRun, cancellationToken), dictionary.Encode(wrappedRun, cancellationToken));
            var changes = Changes(dictionary.Width, before, after);
            int[] features =
            [
                .. changes
                    .OrderByDescending(one => Math.Abs(one.Value))
                    .ThenBy(one => one.Key)
                    .Take(options.Features)
                    .Select(one => one.Key),
            ];
            var controls = FeatureControls.Matched(features, densities[d], [.. features], Seed(pair, d + 1), 0);
            RowMove[] own = [.. features.Select(feature => Back(dictionary, feature, feature, before, after))];
            // As far, along features that have nothing to do with the wrapper.
            RowMove[] random = [.. features.Zip(controls, (feature, control) => Back(dictionary, control, feature, before, after))];
            chosen.Add((features, [.. features.Select(feature => changes[feature])], controls));
            moves.AddRange(own.Select(move => (RowMove[])[move]));
            moves.AddRange(random.Select(move => (RowMove[])[move]));
            moves.Add(own);
            moves.Add(random);
        }
        var scores = RowMove.Try(model, wrapped.Tokens.Ids, behind, moves, cancellationToken).RefusalScores(refusalTokens);
        var effects = new Queue<double>(scores.Skip(1).Select(score => score - scores[0]));
        var direction = new JailbreakBack(back.Average(), effects.Dequeue(), effects.Dequeue());
        return new(
            scores[0],
            direction,
            [
                .. chosen.Select(one =>
                {
                    double[] own = [.. one.Features.Select(_ => effects.Dequeue())],
                        random = [.. one.Controls.Select(_ => effects.Dequeue())];
                    return new JailbreakClampedFeatures(
                        [
                            .. one.Features.Select(
                                (feature, i) =>
                                    new JailbreakFeatureBack(feature, one.Changes[i], own[i], i < random.Length ? random[i] : null)
                            ),
                        ],
                        effects.Dequeue(),
                        effects.Dequeue()
                    );
                }),
            ]
        );
    }

    /// <summary>The rows behind the request, alone.</summary>
    private ModelRun Read(AskedPrompt prompt, Site site)
    {
        var behind = prompt.Tokens.PostInstruction.Length;
        using var cache = model.NewCache();
        model.Run(prompt.Tokens.Ids[..^behind], cache: cache, logits: LogitRows.None, cancellationToken: cancellationToken).Dispose();
        return model.Run(
            prompt.Tokens.PostInstruction.ToArray(),
            capture: [site, .. dictionaries.Select(one => one.InputSite)],
            cache: cache,
            logits: LogitRows.None,
            cancellationToken: cancellationToken
        );
    }

    /// <summary>Moves one feature as far, in length, as another one has to be moved back.</summary>
    private static RowMove Back(SparseDictionary dictionary, int moved, int feature, SparseActivations before, SparseActivations after)
    {
        float[] vector = new float[dictionary.OutputWidth],
            own = new float[dictionary.OutputWidth];
        dictionary.Decoder(moved, vector);
        dictionary.Decoder(feature, own);
        var length = TensorPrimitives.Norm<float>(vector);
        var scale = length > 0 ? TensorPrimitives.Norm<float>(own) / length : 0;
        return new(
            dictionary.OutputSite,
            vector,
            [.. Rows(before.Rows).Select(row => scale * (before.Value(row, feature) - after.Value(row, feature)))]
        );
    }

    /// <summary>The mean change of each feature that fires, from the plain request to the wrapped one.</summary>
    private static Dictionary<int, double> Changes(int width, SparseActivations before, SparseActivations after)
    {
        var changes = new Dictionary<int, double>();
        foreach (var (features, sign) in ((SparseActivations, int)[])[(before, -1), (after, 1)])
            for (var row = 0; row < features.Rows; row++)
            {
                var indices = features.Indices(row);
                var values = features.Values(row);
                for (var i = 0; i < indices.Length; i++)
                    changes[indices[i]] = changes.GetValueOrDefault(indices[i]) + (double)sign * values[i] / features.Rows;
            }
        return changes;
    }

    private static IEnumerable<int> Rows(long count) => Enumerable.Range(0, (int)count);

    private int Seed(int pair, int control) => unchecked(options.Seed + 1000 * (pair + 1) + control);
}

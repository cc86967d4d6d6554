using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// Which features of a dictionary point where the direction points, and whether they carry what it carries: clamped together, beside random
/// features that fire as often. Those that add most to the logit of refusal (attribution) are tried in the same way.
/// </summary>
internal sealed class RefusalFeatureStudy(
    GemmaModel model,
    RefusalSets sets,
    RefusalMeter meter,
    RefusalStudyJobOptions options,
    int refusalToken,
    CancellationToken cancellationToken
)
{
    // Attribution takes a run and its gradient for each step and prompt.
    private const int AttributedPrompts = 32;

    private static readonly string[] Clamps = ["off", "reversed", "raised"];

    /// <summary>The nearest features, and what they and random ones do.</summary>
    public RefusalFeatures Measure(SparseDictionary dictionary, ReadOnlyMemory<float> direction)
    {
        var cosines = Cosines(dictionary, direction.Span);
        var (densities, largest) = FeatureControls.Activity(
            model,
            dictionary,
            [.. sets.HarmfulSplit.Test.Concat(sets.HarmlessSplit.Test).Ids()],
            cancellationToken: cancellationToken
        );
        var attributions = Attributions(dictionary);
        int[] nearest = Largest(cosines),
            attributed = Largest(attributions);
        List<(string Name, int[] Features)> groups = [("nearest", nearest), ("attributed", attributed)];
        HashSet<int> taken = [.. nearest, .. attributed];
        for (var control = 0; control < options.Controls; control++)
        {
            groups.Add(($"random {control + 1} as nearest", FeatureControls.Matched(nearest, densities, taken, options.Seed, 2 * control)));
            groups.Add(
                (
                    $"random {control + 1} as attributed",
                    FeatureControls.Matched(attributed, densities, taken, options.Seed, 2 * control + 1)
                )
            );
        }
        var clean = sets.Tests.ToDictionary(test => test.Set, test => meter.FirstTokens(test.Set, test.Prompts, []).Scores);
        return new(
            dictionary.Name,
            $"{dictionary.OutputSite}",
            [.. nearest.Select(One)],
            [.. attributed.Select(One)],
            [.. Clamps.SelectMany(clamp => groups.Select(group => Effect(dictionary, clamp, group.Name, group.Features, largest, clean)))]
        );

        RefusalFeature One(int i) => new(i, cosines[i], attributions[i], densities[i], largest[i]);
    }

    private RefusalFeatureEffect Effect(
        SparseDictionary dictionary,
        string clamp,
        string name,
        int[] features,
        double[] largest,
        Dictionary<string, double[]> clean
    )
    {
        var sign =
            clamp == "off" ? 0
            : clamp == "raised" ? 1
            : -1;
        var edits = Steering.Edits(
            SteeringMode.Clamp,
            [.. features.Select(feature => new SteeredFeature(dictionary, feature, sign * largest[feature]))],
            model.Config
        );
        var harmful = meter.FirstTokens(RefusalSets.Harmful, sets.HarmfulSplit.Test, edits);
        var harmless = meter.FirstTokens(RefusalSets.Harmless, sets.HarmlessSplit.Test, edits);
        return new(
            clamp,
            name,
            StudyMeans.Change(harmful.Scores, clean[RefusalSets.Harmful], options),
            StudyMeans.Change(harmless.Scores, clean[RefusalSets.Harmless], options),
            StudyMeans.Of(harmless.Divergences, options)
        );
    }

    private int[] Largest(double[] values) =>
        [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).Take(options.Features)];

    /// <summary>What each feature adds to the logit of refusal over the mean logit, on harmful prompts.</summary>
    private double[] Attributions(SparseDictionary dictionary)
    {
        var sum = new double[dictionary.Width];
        int[][] prompts = [.. sets.HarmfulSplit.Validation.Take(AttributedPrompts).Ids()];
        foreach (var prompt in prompts)
        {
            var target = GradientTarget.DemeanedLogit(prompt.Length - 1, refusalToken);
            var one = FeatureAttribution.Of(model, dictionary, prompt, target, cancellationToken: cancellationToken);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += one[i] / prompts.Length;
        }
        return sum;
    }

    private static double[] Cosines(SparseDictionary dictionary, ReadOnlySpan<float> direction)
    {
        var (cosines, vector) = (new double[dictionary.Width], new float[dictionary.OutputWidth]);
        for (var i = 0; i < cosines.Length; i++)
        {
            dictionary.Decoder(i, vector);
            // A feature without a direction is near to none.
            cosines[i] = TensorPrimitives.Norm<float>(vector) > 0 ? TensorPrimitives.CosineSimilarity(vector, direction) : 0;
        }
        return cosines;
    }
}

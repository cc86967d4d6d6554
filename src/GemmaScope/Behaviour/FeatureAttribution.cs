using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour;

/// <summary>
/// How much each feature of a dictionary adds to a quantity of a run: attribution patching with integrated gradients (2403.19647, METHODS
/// §6.6). All that the features write is taken out and put back in small steps; a feature gets its own part of what each step gains. The
/// parts of all features add up to what they do together, up to the size of the steps.
/// </summary>
public static class FeatureAttribution
{
    /// <summary>One number for each feature: over all positions but the first, which is usually BOS.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary that reads and writes one site each.</param>
    /// <param name="prompt">Token ids, BOS included.</param>
    /// <param name="target">The quantity; it has to come after the site that the dictionary writes to.</param>
    /// <param name="steps">Steps of the integral.</param>
    /// <param name="cancellationToken">Stops between steps and inside one.</param>
    /// <exception cref="ArgumentProblemException">The dictionary reads or writes several sites, or is of another model.</exception>
    public static double[] Of(
        GemmaModel model,
        SparseDictionary dictionary,
        int[] prompt,
        GradientTarget target,
        int steps = 10,
        CancellationToken cancellationToken = default
    )
    {
        if (dictionary.InputSites.Count != 1 || dictionary.OutputSites.Count != 1 || !model.Config.Has(dictionary.OutputSite))
            throw new ArgumentProblemException("reads or writes several sites, or is of another model", dictionary.Name);
        if (steps < 1)
            throw new ArgumentProblemException($"is {steps}; it must be 1 or more", "steps");
        using var clean = model.Run(prompt, capture: [dictionary.InputSite], cancellationToken: cancellationToken);
        var features = dictionary.Encode(clean, cancellationToken);
        var site = dictionary.OutputSite;
        var (written, vector) = (Written(dictionary, features), new float[dictionary.OutputWidth]);
        using var gradient = Tensor.Zeros(prompt.Length, dictionary.OutputWidth);
        for (var step = 0; step < steps; step++)
        {
            // The middle of each step.
            var missing = (float)(1 - (step + 0.5) / steps);
            using var run = model.RunDifferentiable(
                prompt,
                from: site,
                edits: [Edit.Function(site, (rows, first) => Take(rows, first, missing), 1..)],
                cancellationToken: cancellationToken
            );
            using var gradients = run.Gradients(target, [site], cancellationToken);
            TensorPrimitives.MultiplyAdd(gradients[site].AsSpan(), 1f / steps, gradient.AsSpan(), gradient.AsSpan());
        }
        var attribution = new double[dictionary.Width];
        for (var row = 1; row < prompt.Length; row++)
        {
            var indices = features.Indices(row);
            var values = features.Values(row);
            for (var i = 0; i < indices.Length; i++)
            {
                dictionary.Decoder(indices[i], vector);
                attribution[indices[i]] += values[i] * TensorPrimitives.Dot<float>(vector, gradient.Row(row));
            }
        }
        return attribution;

        void Take(MatrixView rows, int first, float share)
        {
            for (var row = 0; row < rows.Rows; row++)
                TensorPrimitives.MultiplyAdd(written[first + row], -share, rows.Row(row), rows.Row(row));
        }
    }

    /// <summary>What the features of each row write together, without bias and error.</summary>
    internal static float[][] Written(SparseDictionary dictionary, SparseActivations features)
    {
        var vector = new float[dictionary.OutputWidth];
        return
        [
            .. Enumerable
                .Range(0, features.Rows)
                .Select(row =>
                {
                    var sum = new float[dictionary.OutputWidth];
                    for (var i = 0; i < features.Indices(row).Length; i++)
                    {
                        dictionary.Decoder(features.Indices(row)[i], vector);
                        TensorPrimitives.MultiplyAdd(vector, features.Values(row)[i], sum, sum);
                    }
                    return sum;
                }),
        ];
    }
}

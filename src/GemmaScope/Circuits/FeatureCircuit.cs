using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The model with some of a prompt's features only. Those of the circuit answer to what the run brings them. All others are held: at their
/// mean over reference texts where they fire in the prompt, at 0 where they do not. Constants and layers without a transcoder run as in the
/// model.
/// </summary>
/// <param name="model">The prompt; its features are the nodes.</param>
/// <param name="means">What stands for the others.</param>
/// <param name="errorsKept">Whether what transcoders leave unexplained stays, as the run has it; else its mean is in its place.</param>
internal sealed class FeatureCircuit(ReplacementModel model, ReferenceMeans means, bool errorsKept) : ICircuitNodes
{
    public int Count => model.Features.Count;

    public IReadOnlyList<Edit> Edits(bool[] kept)
    {
        var set = model.Transcoders;
        var (written, skipped) = (new SparseActivations?[model.Layers], new Tensor?[model.Layers]);
        return
        [
            .. set.Layers.Select(layer => Edit.Function(set[layer]!.Input, (rows, _) => Read(layer, rows))),
            .. set
                .Layers.SelectMany(layer => Enumerable.Range(0, model.Layers).Where(set[layer]!.Writes))
                .Distinct()
                .Order()
                .Select(target => Edit.Function(Site.MlpOut(target), (rows, _) => Write(target, rows))),
        ];

        void Read(int layer, MatrixView rows)
        {
            var transcoder = set[layer]!;
            written[layer] = Written(layer, transcoder.Encode(rows, default), kept);
            if (errorsKept || transcoder.Skip is not { } skip)
                return;
            skipped[layer] = Tensor.Uninitialized(rows.Rows, rows.Columns);
            Compute.Kernels.Multiply(rows, skip, skipped[layer]!.AsMatrix(), Arithmetic.Exact);
        }

        void Write(int target, MatrixView rows)
        {
            using var skip = skipped[target];
            for (var position = model.ZeroPositions; position < rows.Rows && !errorsKept; position++)
            {
                TensorPrimitives.Add(set[target]!.DecoderBias, means.Errors[target], rows.Row(position));
                if (skip is not null)
                    TensorPrimitives.Add(rows.Row(position), skip.Row(position), rows.Row(position));
            }
            foreach (var layer in set.Layers)
                if (layer <= target && set[layer]!.Writes(target))
                    set[layer]!.AddDecoded(target, written[layer]!, rows);
        }
    }

    /// <summary>gradient · W_dec × (activation − mean) of each feature.</summary>
    /// <param name="gradients">With respect to mlp_out of all layers, summed over sites of the target.</param>
    public double[] Scores(IReadOnlyList<Gradients> gradients)
    {
        var scores = new double[Count];
        var vector = new float[model.Model.Config.Width];
        foreach (var (node, feature) in model.Features.Index())
        {
            var transcoder = model.Transcoders[feature.Layer]!;
            for (var target = feature.Layer; target < model.Layers; target++)
            {
                if (!transcoder.Writes(target))
                    continue;
                transcoder.Decoder(target, feature.Feature, vector);
                foreach (var one in gradients)
                    scores[node] += TensorPrimitives.Dot(one[Site.MlpOut(target)].Row(feature.Position), vector);
            }
            scores[node] *= feature.Activation - Mean(feature);
        }
        return scores;
    }

    /// <summary>The part of a feature's activation that ablation takes away.</summary>
    public double Ablated(ActiveFeature feature) => 1 - Mean(feature) / feature.Activation;

    private double Mean(ActiveFeature feature) => means.Features[feature.Layer]![feature.Feature];

    /// <summary>What is written for the features of a layer: where errors stay, the difference from what the MLP has written of them; else
    /// all of it.</summary>
    private SparseActivations Written(int layer, SparseActivations live, bool[] kept)
    {
        var (starts, indices, values) = (new int[live.Rows + 1], new List<int>(), new List<float>());
        for (var position = 0; position < live.Rows; position++)
        {
            if (position >= model.ZeroPositions)
                foreach (var (feature, node) in Nodes(layer, position, live))
                {
                    var now = live.Value(position, feature);
                    var held =
                        node < 0 ? 0
                        : kept[node] ? now
                        : means.Features[layer]![feature];
                    var value = errorsKept ? held - now : held;
                    if (value == 0)
                        continue;
                    indices.Add(feature);
                    values.Add(value);
                }
            starts[position + 1] = indices.Count;
        }
        return new(live.Width, starts, [.. indices], [.. values]);
    }

    /// <summary>The features that fire at a position now, or in the prompt as it is, by rising index; −1 for those that are no node.</summary>
    private IEnumerable<(int Feature, int Node)> Nodes(int layer, int position, SparseActivations live)
    {
        var nodes = new SortedDictionary<int, int>();
        foreach (var feature in live.Indices(position))
            nodes[feature] = -1;
        var (start, end) = model.FeaturesAt(layer, position);
        for (var node = start; node < end; node++)
            nodes[model.Features[node].Feature] = node;
        return nodes.Select(pair => (pair.Key, pair.Value));
    }
}

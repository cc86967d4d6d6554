using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>
/// What features, errors and neurons are on average over some texts: what stands for a node that is not in a circuit. Over all positions
/// but those that count as constants.
/// </summary>
public sealed class ReferenceMeans
{
    private ReferenceMeans(GemmaConfig config, TranscoderSet transcoders)
    {
        (Features, Errors, Neurons) = (Layers(), Layers(), Layers());
        foreach (var layer in transcoders.Layers)
        {
            Features[layer] = new float[transcoders[layer]!.Features];
            Errors[layer] = new float[transcoders[layer]!.Width];
            Neurons[layer] = new float[config.Shapes[layer].MlpWidth];
        }

        float[]?[] Layers() => new float[]?[config.Layers];
    }

    /// <summary>Positions that were counted.</summary>
    public long Tokens { get; private set; }

    /// <summary>Mean activation by layer and feature; null where a layer has no transcoder.</summary>
    internal float[]?[] Features { get; }

    /// <summary>Mean error by layer, [d].</summary>
    internal float[]?[] Errors { get; }

    /// <summary>Mean of mlp_act_product by layer, [neurons].</summary>
    internal float[]?[] Neurons { get; }

    /// <summary>Runs the texts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="transcoders">Its transcoders.</param>
    /// <param name="texts">Token ids of each, BOS included; more than one token each.</param>
    /// <param name="progress">Told after each text.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">There is no text, or one is too short or too long.</exception>
    public static ReferenceMeans Of(
        GemmaModel model,
        TranscoderSet transcoders,
        IReadOnlyList<int[]> texts,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transcoders);
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0)
            throw new ArgumentProblemException("there is no text to take means over", "reference");
        var means = new ReferenceMeans(model.Config, transcoders);
        foreach (var (i, text) in texts.Index())
        {
            means.Add(model, transcoders, text, cancellationToken);
            progress?.Report(i + 1);
        }
        foreach (var sums in means.Features.Concat(means.Errors).Concat(means.Neurons).OfType<float[]>())
            TensorPrimitives.Divide(sums, means.Tokens, sums);
        return means;
    }

    private void Add(GemmaModel model, TranscoderSet transcoders, int[] text, CancellationToken cancellationToken)
    {
        using var one = ReplacementModel.Of(model, transcoders, text, cancellationToken: cancellationToken);
        foreach (var feature in one.Features)
            Features[feature.Layer]![feature.Feature] += feature.Activation;
        foreach (var layer in transcoders.Layers)
            for (var position = one.ZeroPositions; position < text.Length; position++)
                TensorPrimitives.Add(Errors[layer], one.Error(layer, position), Errors[layer]);
        using var run = model.Run(
            text,
            edits: transcoders.Layers.Select(layer =>
                Edit.Function(
                    NeuronCircuit.Site(layer),
                    (rows, _) =>
                    {
                        for (var i = 0; i < rows.Rows; i++)
                            TensorPrimitives.Add(Neurons[layer], rows.Row(i), Neurons[layer]);
                    },
                    new Positions(one.ZeroPositions, int.MaxValue)
                )
            ),
            logits: LogitRows.None,
            arithmetic: Numerics.Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        Tokens += text.Length - one.ZeroPositions;
    }
}

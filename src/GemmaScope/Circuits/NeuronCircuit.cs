using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Nodes of which a circuit keeps some.</summary>
internal interface ICircuitNodes
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>The edits that make the model one of the kept nodes only.</summary>
    IReadOnlyList<Edit> Edits(bool[] kept);
}

/// <summary>
/// The model with some of its MLP neurons only, in the layers that have transcoders: a node is a neuron at a position; those that are not kept
/// are at their mean over reference texts.
/// </summary>
/// <param name="model">The prompt.</param>
/// <param name="means">What stands for the others.</param>
internal sealed class NeuronCircuit(ReplacementModel model, ReferenceMeans means) : ICircuitNodes
{
    private readonly IReadOnlyList<int> _layers = model.Transcoders.Layers;
    private readonly int _width = model.Model.Config.MlpWidth;

    /// <summary>The sites at which a layer's neurons are read.</summary>
    public static Site Site(int layer) => new(SiteKind.MlpActProduct, layer);

    /// <summary>How many neurons a prompt has; too many to be counted in an array for a very long one.</summary>
    public static long Nodes(ReplacementModel model) =>
        (long)model.Transcoders.Layers.Count * (model.Tokens.Length - model.ZeroPositions) * model.Model.Config.MlpWidth;

    public int Count => (int)Nodes(model);

    public IReadOnlyList<Edit> Edits(bool[] kept) =>
        [
            .. _layers.Select(
                (layer, i) =>
                    Edit.Function(
                        Site(layer),
                        (rows, first) =>
                        {
                            var mean = means.Neurons[layer]!;
                            for (var row = 0; row < rows.Rows; row++)
                            {
                                var node = First(i, first + row);
                                var neurons = rows.Row(row);
                                for (var neuron = 0; neuron < neurons.Length; neuron++)
                                    if (!kept[node + neuron])
                                        neurons[neuron] = mean[neuron];
                            }
                        },
                        new Positions(model.ZeroPositions, int.MaxValue)
                    )
            ),
        ];

    /// <summary>gradient × (activation − mean) of each neuron.</summary>
    /// <param name="gradients">With respect to the neurons, summed over sites of the target.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public double[] Scores(IReadOnlyList<Gradients> gradients, CancellationToken cancellationToken)
    {
        var scores = new double[Count];
        using var run = model.Model.Run(
            model.Tokens,
            capture: _layers.Select(Site),
            logits: LogitRows.None,
            arithmetic: Numerics.Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        var (difference, gradient) = (new float[_width], new float[_width]);
        foreach (var (i, layer) in _layers.Index())
            for (var position = model.ZeroPositions; position < model.Tokens.Length; position++)
            {
                TensorPrimitives.Subtract(run[Site(layer)].Row(position), means.Neurons[layer], difference);
                gradient.AsSpan().Clear();
                foreach (var one in gradients)
                    TensorPrimitives.Add(gradient, one[Site(layer)].Row(position), gradient);
                for (var neuron = 0; neuron < _width; neuron++)
                    scores[First(i, position) + neuron] = (double)gradient[neuron] * difference[neuron];
            }
        return scores;
    }

    private int First(int layer, int position) =>
        (layer * (model.Tokens.Length - model.ZeroPositions) + position - model.ZeroPositions) * _width;
}

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
internal sealed class NeuronCircuit : ICircuitNodes
{
    private readonly ReplacementModel _model;
    private readonly ReferenceMeans _means;
    private readonly IReadOnlyList<int> _layers;
    private readonly int[] _starts;

    /// <param name="model">The prompt.</param>
    /// <param name="means">What stands for the others.</param>
    public NeuronCircuit(ReplacementModel model, ReferenceMeans means)
    {
        (_model, _means, _layers) = (model, means, model.Transcoders.Layers);
        _starts = new int[_layers.Count + 1];
        for (var i = 0; i < _layers.Count; i++)
            _starts[i + 1] = _starts[i] + Counted(model) * Width(model, _layers[i]);
    }

    /// <summary>The sites at which a layer's neurons are read.</summary>
    public static Site Site(int layer) => new(SiteKind.MlpActProduct, layer);

    /// <summary>How many neurons a prompt has; too many to be counted in an array for a very long one.</summary>
    public static long Nodes(ReplacementModel model) => model.Transcoders.Layers.Sum(layer => (long)Counted(model) * Width(model, layer));

    public int Count => _starts[^1];

    public IReadOnlyList<Edit> Edits(bool[] kept) =>
        [
            .. _layers.Select(
                (layer, i) =>
                    Edit.Function(
                        Site(layer),
                        (rows, first) =>
                        {
                            var mean = _means.Neurons[layer]!;
                            for (var row = 0; row < rows.Rows; row++)
                            {
                                var node = First(i, first + row);
                                var neurons = rows.Row(row);
                                for (var neuron = 0; neuron < neurons.Length; neuron++)
                                    if (!kept[node + neuron])
                                        neurons[neuron] = mean[neuron];
                            }
                        },
                        new Positions(_model.ZeroPositions, int.MaxValue)
                    )
            ),
        ];

    /// <summary>gradient × (activation − mean) of each neuron.</summary>
    /// <param name="gradients">With respect to the neurons, summed over sites of the target.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public double[] Scores(IReadOnlyList<Gradients> gradients, CancellationToken cancellationToken)
    {
        var scores = new double[Count];
        using var run = _model.Model.Run(
            _model.Tokens,
            capture: _layers.Select(Site),
            logits: LogitRows.None,
            arithmetic: Numerics.Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        foreach (var (i, layer) in _layers.Index())
        {
            var width = Width(_model, layer);
            var (difference, gradient) = (new float[width], new float[width]);
            for (var position = _model.ZeroPositions; position < _model.Tokens.Length; position++)
            {
                TensorPrimitives.Subtract(run[Site(layer)].Row(position), _means.Neurons[layer], difference);
                gradient.AsSpan().Clear();
                foreach (var one in gradients)
                    TensorPrimitives.Add(gradient, one[Site(layer)].Row(position), gradient);
                for (var neuron = 0; neuron < width; neuron++)
                    scores[First(i, position) + neuron] = (double)gradient[neuron] * difference[neuron];
            }
        }
        return scores;
    }

    private int First(int i, int position) => _starts[i] + (position - _model.ZeroPositions) * Width(_model, _layers[i]);

    private static int Counted(ReplacementModel model) => model.Tokens.Length - model.ZeroPositions;

    private static int Width(ReplacementModel model, int layer) => model.Model.Config.Shapes[layer].MlpWidth;
}

using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Weights in memory that cannot write along a direction: W ← W − r rᵀ W for o_proj and down_proj, E ← E − (E r) rᵀ for the embedding. They
/// prove what edits of a run do and what they do not (METHODS §6.6), and are written nowhere: this is no way to take refusal out of a
/// model.
/// </summary>
internal sealed class OrthogonalisedWeights : IDisposable
{
    private readonly List<Tensor> _owned = [];
    private readonly float[] _unit;

    public OrthogonalisedWeights(GemmaWeights weights, float[] direction, bool alsoUnembedding)
    {
        _unit = OrthonormalBasis.Of([direction])[0];
        Embedding = Rows(weights.Embedding);
        Unembedding = alsoUnembedding ? Embedding : weights.Embedding;
        if (weights.Layers.Any(layer => layer.Experts is not null))
            throw new NotSupportedException("experts are not copied into memory");
        Layers =
        [
            .. weights.Layers.Select(layer =>
                layer with
                {
                    Output = Outputs(layer.Output),
                    Down = Outputs(layer.Down),
                    PerLayer = layer.PerLayer is { } one ? one with { Projection = Outputs(one.Projection) } : null,
                }
            ),
        ];
    }

    public Tensor Embedding { get; }

    /// <summary>Unchanged, unless a tied table was edited in place.</summary>
    public Tensor Unembedding { get; }

    public LayerWeights[] Layers { get; }

    public void Dispose()
    {
        foreach (var tensor in _owned)
            tensor.Dispose();
    }

    /// <summary>Each row without its part along the direction.</summary>
    private Tensor Rows(Tensor stored)
    {
        var wide = Own(stored.ToF32());
        for (var row = 0; row < wide.Rows; row++)
        {
            var values = wide.Row(row);
            double part = 0;
            for (var i = 0; i < values.Length; i++)
                part += (double)values[i] * _unit[i];
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)(values[i] - part * _unit[i]);
        }
        return wide;
    }

    /// <summary>Each column without its part: what the matrix gives out has none. [outputs, inputs].</summary>
    private unsafe WeightView Outputs(WeightView view)
    {
        var wide = Own(Tensor.Uninitialized(view.Outputs, view.Inputs));
        Conversions.Widen((byte*)view.Data, view.Type, wide.Floats, wide.Length);
        var parts = new double[view.Inputs];
        for (var row = 0; row < view.Outputs; row++)
        for (var i = 0; i < parts.Length; i++)
            parts[i] += (double)_unit[row] * wide.Row(row)[i];
        for (var row = 0; row < view.Outputs; row++)
        for (var i = 0; i < parts.Length; i++)
            wide.Row(row)[i] = (float)(wide.Row(row)[i] - _unit[row] * parts[i]);
        return WeightView.Of(wide, WeightLayout.OutIn);
    }

    private Tensor Own(Tensor tensor)
    {
        _owned.Add(tensor);
        return tensor;
    }
}

using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// A head's query or key at a position as a sum over sources: with norms frozen every number of it is linear in what was written before, so
/// that the frozen backward pass of its numbers gives each source's vector. Those go through the head's norm (Gemma 3), whose denominator is
/// a constant too, and are rotated as the whole is.
/// </summary>
internal sealed class QueryKeySide : IDisposable
{
    private readonly Tensor _vectors;

    private QueryKeySide(QueryKeySource[] sources, Tensor vectors)
    {
        (Sources, _vectors, Sum) = (sources, vectors, new double[vectors.Shape[1]]);
        for (var i = 0; i < sources.Length; i++)
        for (var j = 0; j < Sum.Length; j++)
            Sum[j] += vectors.Row(i)[j];
    }

    /// <summary>The sources that reach it.</summary>
    public QueryKeySource[] Sources { get; }

    /// <summary>[sources, head size].</summary>
    public MatrixView Vectors => _vectors.AsMatrix();

    /// <summary>All of them.</summary>
    public double[] Sum { get; }

    public void Dispose() => _vectors.Dispose();

    /// <summary>Takes one apart.</summary>
    /// <param name="model">The prompt.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="projection">Its query or key projection.</param>
    /// <param name="head">The query head or key-value head.</param>
    /// <param name="position">The token's position.</param>
    /// <param name="gain">Of the head's norm; null where there is none.</param>
    /// <param name="projected">What the run has before that norm, [head size].</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public static QueryKeySide Of(
        ReplacementModel model,
        int layer,
        WeightView projection,
        int head,
        int position,
        float[]? gain,
        float[] projected,
        CancellationToken cancellationToken
    )
    {
        var (config, size) = (model.Model.Config, projected.Length);
        var rows = Rows(model, layer, projection.SliceOutputs(head * size, size), position, projected, cancellationToken);
        var sources = new List<QueryKeySource>();
        var vectors = new List<float[]>();
        for (var source = 0; source < rows[0].Sources.Length; source++)
            Add(Source(model, source), row => row.Sources[source]);
        Add(new(QueryKeySourceKind.Bias, -1, -1, -1), row => row.DecoderBias);
        Add(new(QueryKeySourceKind.Constant, -1, -1, -1), row => row.Zeroed);

        var all = Tensor.Uninitialized(vectors.Count, size);
        var table = new RotaryTable(config.Rope(layer), size, config.MaxPositions).Rows(position + 1).Row(position);
        var scale = gain is null ? 1 : ElementwiseBackward.InverseRms(projected, config.NormEpsilon);
        for (var i = 0; i < vectors.Count; i++)
        {
            var vector = all.Row(i);
            TensorPrimitives.Multiply(vectors[i], scale, vector);
            if (gain is not null)
                TensorPrimitives.Multiply(vector, gain, vector);
            Elementwise.Rope(vector, table[..(size / 2)], table[(size / 2)..]);
        }
        return new([.. sources], all);

        void Add(QueryKeySource source, Func<AttributionRow, double> part)
        {
            float[] vector = [.. rows.Select(row => (float)part(row))];
            // Most cannot reach it: those of later layers and positions.
            if (!vector.AsSpan().ContainsAnyExcept(0f))
                return;
            sources.Add(source);
            vectors.Add(vector);
        }
    }

    /// <summary>The backward pass of each number of the head.</summary>
    private static List<AttributionRow> Rows(
        ReplacementModel model,
        int layer,
        WeightView projection,
        int position,
        float[] projected,
        CancellationToken cancellationToken
    )
    {
        var size = projected.Length;
        using var unit = Tensor.Zeros(size, size);
        using var weights = Tensor.Uninitialized(size, model.Model.Config.Width);
        for (var i = 0; i < size; i++)
            unit.Row(i)[i] = 1;
        Compute.Kernels.Multiply(unit.AsMatrix(), projection.Transposed, weights.AsMatrix(), Arithmetic.Exact);
        using var backward = new FrozenBackward(model, new AttributionOptions().WorkingBytes);
        var site = new Site(SiteKind.AttnIn, layer);
        RowTarget[] targets =
        [
            .. Enumerable.Range(0, size).Select(i => new RowTarget([new(site, position, weights.Row(i).ToArray())], 0, projected[i])),
        ];
        return [.. targets.Chunk(backward.BatchSize).SelectMany(batch => backward.Rows(batch, cancellationToken))];
    }

    /// <summary>A column of a row: features, errors by layer and position, tokens.</summary>
    private static QueryKeySource Source(ReplacementModel model, int column)
    {
        if (column < model.Features.Count)
        {
            var one = model.Features[column];
            return new(QueryKeySourceKind.Feature, one.Layer, one.Position, one.Feature);
        }
        var (layer, position) = Math.DivRem(column - model.Features.Count, model.Tokens.Length);
        return layer < model.Layers
            ? new(QueryKeySourceKind.Error, layer, position, -1)
            : new(QueryKeySourceKind.Token, -1, position, model.Tokens[position]);
    }
}

using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// What attribution holds fixed of one run (METHODS §4.5 step 3): attention patterns and 1 / rms of every norm, a number a row. Filled by
/// edits that only look, so that nothing wider than this is kept.
/// </summary>
internal sealed class FrozenRun(GemmaConfig config, int tokens, string? folder) : IDisposable
{
    /// <summary>Bytes of patterns in memory at most; those of a long prompt are larger than the model.</summary>
    private const long MostInMemory = 1L << 30;

    private readonly ScratchMemory _memory = new(folder, MostInMemory);
    private readonly FrozenPattern?[] _patterns = new FrozenPattern?[config.Layers];

    /// <summary>1 / rms of resid_pre, by layer and position.</summary>
    public float[][] BeforeAttention { get; } = Rows(config.Layers, tokens);

    /// <summary>1 / rms of attn_out_raw.</summary>
    public float[][] AfterAttention { get; } = Rows(config.Layers, tokens);

    /// <summary>1 / rms of resid_mid.</summary>
    public float[][] BeforeMlp { get; } = Rows(config.Layers, tokens);

    /// <summary>1 / rms of the values of each head, by layer and position · heads + head; empty where a layer norms none.</summary>
    public float[][] Values { get; } =
    [
        .. config.Shapes.Select(
            (shape, layer) => new float[config.Has(new Site(SiteKind.VNormed, layer)) ? tokens * shape.KeyValueHeads : 0]
        ),
    ];

    /// <summary>1 / rms of the last residual.</summary>
    public float[] Final { get; } = new float[tokens];

    /// <summary>The pattern of a layer.</summary>
    public FrozenPattern Pattern(int layer) => _patterns[layer]!;

    /// <summary>The edits of the run that is to be frozen.</summary>
    public IEnumerable<Edit> Readers()
    {
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var l = layer;
            yield return Scale(new Site(SiteKind.ResidPre, l), BeforeAttention[l]);
            if (Values[l].Length > 0)
                yield return Edit.Function(new Site(SiteKind.V, l), (rows, _) => Heads(rows, config.Shapes[l].HeadSize, Values[l]));
            yield return Edit.OfHeads(
                new Site(SiteKind.AttnPattern, l),
                (all, _) => _patterns[l] = new FrozenPattern(config, l, all, _memory)
            );
            yield return Scale(new Site(SiteKind.AttnOutRaw, l), AfterAttention[l]);
            yield return Scale(Site.ResidMid(l), BeforeMlp[l]);
        }
        yield return Scale(Site.ResidPost(config.Layers - 1), Final);
    }

    /// <summary>The values of a position, each head times its constant: the norm of heads where it is frozen, forward and backward.</summary>
    /// <param name="layer">A layer that norms values.</param>
    /// <param name="position">The position.</param>
    /// <param name="values">The values, or their gradients.</param>
    /// <param name="result">May be the same.</param>
    public void NormValues(int layer, int position, ReadOnlySpan<float> values, Span<float> result)
    {
        var heads = config.Shapes[layer].KeyValueHeads;
        var size = values.Length / heads;
        for (var head = 0; head < heads; head++)
            TensorPrimitives.Multiply(
                values.Slice(head * size, size),
                Values[layer][position * heads + head],
                result.Slice(head * size, size)
            );
    }

    public void Dispose() => _memory.Dispose();

    private Edit Scale(Site site, float[] scales) =>
        Edit.Function(
            site,
            (rows, _) =>
            {
                for (var i = 0; i < rows.Rows; i++)
                    scales[i] = ElementwiseBackward.InverseRms(rows.Row(i), config.NormEpsilon);
            }
        );

    private void Heads(MatrixView rows, int size, float[] scales)
    {
        var heads = rows.Columns / size;
        for (var i = 0; i < scales.Length; i++)
            scales[i] = ElementwiseBackward.InverseRms(rows.Row(i / heads).Slice(i % heads * size, size), config.NormEpsilon);
    }

    private static float[][] Rows(int layers, int tokens) => [.. Enumerable.Range(0, layers).Select(_ => new float[tokens])];
}

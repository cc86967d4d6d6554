using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>What one attention head carries of an edge.</summary>
/// <param name="Layer">Its layer.</param>
/// <param name="Head">Its number.</param>
/// <param name="Last">By all ways on which it is the last head before the target: it delivers this.</param>
/// <param name="First">By all ways on which it is the first head behind the source: it picks this up.</param>
/// <param name="Total">By all ways through it. A way through heads of several layers is in the totals of each, so totals of heads add up
/// to nothing; without this head the edge would be smaller by this.</param>
public readonly record struct EdgeHead(int Layer, int Head, double Last, double First, double Total);

/// <summary>
/// The ways on which an edge of a graph came: directly by the residual stream (and skip connections), or through attention heads, with
/// patterns and norms frozen as they are in the graph. A way passes at most one head of a layer. Each way that passes any head has exactly
/// one that is its last, and exactly one that is its first: direct + Σ last = direct + Σ first = the edge.
/// </summary>
/// <param name="Source">Where the edge begins.</param>
/// <param name="Target">Name of where it ends.</param>
/// <param name="Weight">The edge, as the graph has it.</param>
/// <param name="Direct">The part that passes no head; 0 where source and target are at different positions.</param>
/// <param name="Heads">All heads between the two, by layer and number.</param>
public sealed record EdgeHeads(GraphNode Source, string Target, double Weight, double Direct, IReadOnlyList<EdgeHead> Heads)
{
    /// <summary>Bytes of gradients in memory at most; those of a long prompt go to a temporary file.</summary>
    private const long MostInMemory = 1L << 30;

    /// <summary>How far the parts are from adding up to the edge: the rounding of f32 sums.</summary>
    public double Error =>
        Math.Max(Math.Abs(Direct + Heads.Sum(head => head.Last) - Weight), Math.Abs(Direct + Heads.Sum(head => head.First) - Weight));

    /// <summary>Splits an edge.</summary>
    /// <param name="model">The prompt.</param>
    /// <param name="source">A feature that fires, an error or a token.</param>
    /// <param name="target">What it leads to; a feature or any other target.</param>
    /// <param name="workFolder">Where gradients go that do not fit into memory; null for the system's folder for temporary files.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">The source or the target is not there.</exception>
    public static EdgeHeads Of(
        ReplacementModel model,
        GraphNode source,
        CircuitTarget target,
        string? workFolder = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(target);
        var column = model.Column(source);
        RowTarget[] resolved = [target.Resolve(model)];
        using var memory = new ScratchMemory(workFolder, MostInMemory);
        using var backward = new FrozenBackward(model, new AttributionOptions().WorkingBytes);
        var (all, direct) = (new Gradients(memory, source), new Gradients(memory, source));
        var weight = backward.Rows(resolved, cancellationToken, throughAttention: true, all.Keep)[0].Sources[column];
        var residual = backward.Rows(resolved, cancellationToken, throughAttention: false, direct.Keep)[0].Sources[column];

        var (heads, layers) = (model.Model.Config.Heads, all.Layers);
        var found = new EdgeHead[layers, heads];
        using var forward = new FrozenForward(model, source, resolved[0].Injections.Max(one => one.Position) + 1);
        forward.Run(throughAttention: true, layers, (layer, z) => Each(layer, z, Through), cancellationToken);
        forward.Run(throughAttention: false, layers, (layer, z) => Each(layer, z, Picked), cancellationToken);
        return new(
            source,
            target.Name,
            weight,
            residual,
            [
                .. Enumerable
                    .Range(0, layers)
                    .Where(layer => layer > source.Layer)
                    .SelectMany(layer => Enumerable.Range(0, heads).Select(head => found[layer, head])),
            ]
        );

        void Each(int layer, MatrixView z, Func<EdgeHead, int, int, MatrixView, EdgeHead> measure)
        {
            for (var head = 0; head < heads; head++)
                found[layer, head] = measure(found[layer, head] with { Layer = layer, Head = head }, layer, head, z);
        }

        EdgeHead Through(EdgeHead one, int layer, int head, MatrixView z) =>
            one with
            {
                Total = all.Dot(layer, Part(model, z, head)),
                Last = direct.Dot(layer, Part(model, z, head)),
            };

        EdgeHead Picked(EdgeHead one, int layer, int head, MatrixView z) => one with { First = all.Dot(layer, Part(model, z, head)) };
    }

    private static HeadPart Part(ReplacementModel model, MatrixView z, int head)
    {
        var size = z.Columns / model.Model.Config.Heads;
        return new(z, head * size, size);
    }

    /// <summary>The columns of one head in what heads put out, its first row at the source's position.</summary>
    private readonly record struct HeadPart(MatrixView Rows, int Start, int Size);

    /// <summary>Gradients at the outputs of heads, from the source's position on.</summary>
    private sealed class Gradients(ScratchMemory memory, GraphNode source)
    {
        private readonly Dictionary<int, (int First, MatrixView Rows)> _layers = [];

        /// <summary>How many layers, from the first, the target's gradient reaches.</summary>
        public int Layers => _layers.Count == 0 ? 0 : _layers.Keys.Max() + 1;

        public void Keep(int layer, RowLayout layout, MatrixView z)
        {
            var first = Math.Max(layout.First(0), source.Position);
            var rows = layout.End(0) - first;
            if (layer <= source.Layer || rows <= 0)
                return;
            var kept = new Rows(memory, rows, z.Columns);
            for (var i = 0; i < rows; i++)
                z.Row(layout.Row(0, first + i)).CopyTo(kept.View.Row(i));
            _layers[layer] = (first, kept.View);
        }

        public double Dot(int layer, HeadPart part)
        {
            if (!_layers.TryGetValue(layer, out var kept))
                return 0;
            double sum = 0;
            for (var i = 0; i < kept.Rows.Rows; i++)
                sum += TensorPrimitives.Dot<float>(
                    kept.Rows.Row(i).Slice(part.Start, part.Size),
                    part.Rows.Row(kept.First + i - source.Position).Slice(part.Start, part.Size)
                );
            return sum;
        }

        private readonly unsafe struct Rows(ScratchMemory memory, int rows, int columns)
        {
            public MatrixView View { get; } = new(memory.Allocate((long)rows * columns).Floats, rows, columns, columns);
        }
    }
}

using System.Runtime.InteropServices;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>
/// Rows of a synthetic model by their numbers: row r of a seed is always the same, so a stream can be entered anywhere, and rows for
/// training and for measuring are kept apart by their seeds.
/// </summary>
/// <param name="model">The model, which has to outlive this.</param>
/// <param name="seed">Decides the rows.</param>
public sealed class SyntheticRows(SyntheticModel model, long seed)
{
    private const int RowsOfPart = 16;

    [ThreadStatic]
    private static List<FiringFeature>? t_active;

    /// <summary>Fills rows.</summary>
    /// <param name="first">Number of the first.</param>
    /// <param name="target">[rows, width].</param>
    public void Fill(long first, MatrixView target) =>
        Workers.For((target.Rows + RowsOfPart - 1) / RowsOfPart, new Part(this, first, target, null));

    /// <summary>Fills rows, and says which features are in them.</summary>
    /// <param name="first">Number of the first.</param>
    /// <param name="target">[rows, width].</param>
    /// <returns>[rows, features] true activations.</returns>
    public SparseActivations FillKnown(long first, MatrixView target)
    {
        var known = new FiringFeature[target.Rows][];
        Workers.For((target.Rows + RowsOfPart - 1) / RowsOfPart, new Part(this, first, target, known));
        var starts = new int[known.Length + 1];
        for (var row = 0; row < known.Length; row++)
            starts[row + 1] = starts[row] + known[row].Length;
        return new(
            model.Config.Features,
            starts,
            [.. known.SelectMany(row => row.Select(feature => feature.Feature))],
            [.. known.SelectMany(row => row.Select(feature => (float)feature.Value))]
        );
    }

    private readonly struct Part(SyntheticRows rows, long first, MatrixView target, FiringFeature[][]? known) : IJob
    {
        public void Run(int index)
        {
            var active = t_active ??= [];
            for (var row = index * RowsOfPart; row < Math.Min(target.Rows, (index + 1) * RowsOfPart); row++)
            {
                rows.Draw(first + row, active);
                rows.Model.Mix(CollectionsMarshal.AsSpan(active), target.Row(row));
                if (known is not null)
                    known[row] = [.. active];
            }
        }
    }

    private SyntheticModel Model => model;

    private void Draw(long row, List<FiringFeature> active)
    {
        var random = new SplitMix(seed, row);
        Span<float> causes = stackalloc float[model.Config.CorrelationRank];
        foreach (ref var cause in causes)
            cause = (float)random.Normal();
        var noise = new RandomNoise(random);
        model.Draw(causes, ref noise, active);
    }
}

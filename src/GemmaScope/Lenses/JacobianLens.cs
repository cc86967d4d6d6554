using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>
/// The Jacobian lens (Gurnee et al. 2026, “Verbalizable Representations Form a Global Workspace in Language Models”, transformer-circuits.pub):
/// each block's output is multiplied by the mean derivative of the last block's outputs, at that position and all later ones, with respect
/// to it. It reads what the block's output disposes the model to say, now or later.
/// </summary>
public sealed class JacobianLens : Lens
{
    internal const string Name = "jacobian";

    private readonly SortedDictionary<int, Tensor> _maps = [];
    private readonly IDisposable? _owner;

    /// <summary>A lens of matrices.</summary>
    /// <param name="maps">Of each block the matrix [d, d]: row i has the derivatives of output i. They belong to the lens.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <param name="owner">Disposed with the lens: the file that the matrices are mapped from.</param>
    internal JacobianLens(IEnumerable<KeyValuePair<int, Tensor>> maps, LensOrigin origin, IDisposable? owner = null)
    {
        (Origin, _owner) = (origin, owner);
        foreach (var (layer, map) in maps)
            _maps.Add(layer, map);
        Width = _maps.Values.First().Columns;
    }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override int? Width { get; }

    internal override int? LastLayer => _maps.Keys.Max();

    /// <inheritdoc/>
    public override LensOrigin Origin { get; }

    /// <summary>The blocks it has a matrix for.</summary>
    public IReadOnlyCollection<int> Layers => _maps.Keys;

    /// <summary>The matrix of a block in its stored type: [d, d], row i has the derivatives of output i.</summary>
    /// <exception cref="ArgumentProblemException">It was not fitted for this block.</exception>
    public Tensor this[int layer] =>
        _maps.TryGetValue(layer, out var map)
            ? map
            : throw new ArgumentProblemException(
                $"was not fitted for layer {layer}; it has {string.Join(", ", _maps.Keys)}",
                Origin.File ?? "lens"
            );

    /// <inheritdoc/>
    public override bool Has(int layer) => _maps.ContainsKey(layer);

    internal override void Carry(int layer, MatrixView residual, MatrixView result) =>
        Compute.Kernels.Multiply(residual, WeightView.Of(this[layer], WeightLayout.OutIn), result, Arithmetic.Exact);

    internal override void Back(int layer, MatrixView vectors, MatrixView result) =>
        Compute.Kernels.Multiply(vectors, WeightView.Of(this[layer], WeightLayout.OutIn).Transposed, result, Arithmetic.Exact);

    /// <summary>
    /// One lens of several that were fitted on different prompts, on other machines perhaps: their mean, weighted by prompts.
    /// </summary>
    /// <exception cref="ArgumentProblemException">They do not belong together, or one does not say of how many prompts it is.</exception>
    public static JacobianLens Merge(IReadOnlyList<JacobianLens> lenses)
    {
        ArgumentNullException.ThrowIfNull(lenses);
        if (lenses.Count == 0)
            throw new ArgumentProblemException("there is none to merge", "lenses");
        var first = lenses[0];
        foreach (var lens in lenses)
            CheckAlike(first, lens);
        var total = checked(lenses.Sum(lens => lens.Origin.Prompts!.Value));
        var maps = new Dictionary<int, Tensor>();
        foreach (var layer in first.Layers)
        {
            var sum = new double[first[layer].Length];
            foreach (var lens in lenses)
            {
                using var wide = lens[layer].ToF32();
                var values = wide.AsSpan();
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += (double)values[i] * lens.Origin.Prompts!.Value / total;
            }
            maps[layer] = Tensor.From(Array.ConvertAll(sum, value => (float)value), first[layer].Shape);
        }
        return new(maps, first.Origin with { File = null, Prompts = total, Settings = Common(lenses) });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var map in _maps.Values)
            map.Dispose();
        _owner?.Dispose();
        base.Dispose(disposing);
    }

    private static void CheckAlike(JacobianLens first, JacobianLens other)
    {
        var place = other.Origin.File ?? "lens";
        if (other.Width != first.Width)
            throw new ArgumentProblemException($"is {other.Width} wide, {first.Origin.File ?? "the first"} {first.Width}", place);
        if (!other.Layers.SequenceEqual(first.Layers))
            throw new ArgumentProblemException(
                $"has the layers {string.Join(", ", other.Layers)}, {first.Origin.File ?? "the first"} {string.Join(", ", first.Layers)}",
                place
            );
        if (other.Origin.Prompts is not > 0)
            throw new ArgumentProblemException("does not say of how many prompts it is the mean, by which lenses are weighted", place);
        if (first.Origin.Model is { } model && other.Origin.Model is { } name && model != name)
            throw new ArgumentProblemException($"is of {name}, {first.Origin.File ?? "the first"} of {model}", place);
        foreach (var setting in LensFile.Defining)
            if (
                first.Origin.Settings.TryGetValue(setting, out var one)
                && other.Origin.Settings.TryGetValue(setting, out var two)
                && one != two
            )
                throw new ArgumentProblemException($"has {setting} {two}, {first.Origin.File ?? "the first"} {one}", place);
    }

    /// <summary>What all of them say alike.</summary>
    private static Dictionary<string, string> Common(IReadOnlyList<JacobianLens> lenses) =>
        lenses[0]
            .Origin.Settings.Where(one => lenses.All(lens => lens.Origin.Settings.GetValueOrDefault(one.Key) == one.Value))
            .ToDictionary(one => one.Key, one => one.Value);
}

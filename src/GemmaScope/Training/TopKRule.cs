namespace GemmaScope.Training;

/// <summary>
/// f = max(z, 0) of the k largest z of each row, or of the k · B largest of the batch, where k may fall from step to step. Of equal
/// values the lower row and the lower feature come first. Beside them the largest z of dead features in each row, for AuxK (METHODS §2.8).
/// </summary>
internal sealed class TopKRule(Recipe recipe, int auxiliaryK) : FeatureRule
{
    private readonly EntryRows _auxiliary = new();
    private readonly bool _batch = recipe.Architecture == Architecture.BatchTopK;
    private float[] _bounds = [],
        _auxiliaryBounds = [];
    private float[][] _scratch = [];
    private float[] _all = [];
    private int[] _dead = [];
    private double _k = recipe.K;

    private int PerRow => (int)Math.Round(_k);

    public override void Begin(long step, int rows, IReadOnlyList<int> dead)
    {
        _k = Schedules.K(recipe, step);
        if (_bounds.Length != rows)
            (_bounds, _auxiliaryBounds, _scratch) = (new float[rows], new float[rows], new float[rows][]);
        Array.Clear(_bounds);
        Array.Clear(_auxiliaryBounds);
        _dead = recipe.AuxiliaryCoefficient > 0 ? [.. dead] : [];
        _auxiliary.Clear(rows);
    }

    public override void Scan(int row, ReadOnlySpan<float> z, int first, EntryRow found)
    {
        found.AddAbove(z, _bounds[row], first);
        if (!_batch && found.Count > 4 * PerRow)
            _bounds[row] = KeepLargest(found, PerRow, row);
        if (_dead.Length == 0)
            return;
        var at = Array.BinarySearch(_dead, first);
        for (at = at < 0 ? ~at : at; at < _dead.Length && _dead[at] < first + z.Length; at++)
            if (z[_dead[at] - first] > _auxiliaryBounds[row])
                _auxiliary[row].Add(_dead[at], z[_dead[at] - first]);
        if (_auxiliary[row].Count > 4 * auxiliaryK)
            _auxiliaryBounds[row] = KeepLargest(_auxiliary[row], auxiliaryK, row);
    }

    public override void EndOfRun(EntryRows found)
    {
        if (_batch && found.Total > 2 * _k * found.Count)
            KeepLargest(found);
    }

    public override void End(EntryRows found)
    {
        if (_batch)
            KeepLargest(found);
        for (var row = 0; row < found.Count; row++)
        {
            if (!_batch)
                KeepLargest(found[row], PerRow, row);
            if (_dead.Length > 0)
                KeepLargest(_auxiliary[row], auxiliaryK, row);
        }
    }

    public override float Value(int feature, float z) => z;

    public override AuxiliaryCode? Auxiliary(EntryRows found) =>
        _dead.Length == 0
            ? null
            : new(
                _auxiliary,
                OfResidual: true,
                TrainsDecoder: true,
                Math.Min(1, (double)_dead.Length / auxiliaryK),
                recipe.AuxiliaryCoefficient
            );

    public override FeatureScalars Backward(in FeatureEntries entries, StepLoss loss)
    {
        var scalars = new FeatureScalars();
        entries.ByActivation.CopyTo(entries.ByProduct);
        foreach (var derivative in entries.ByProduct)
            scalars.Bias += derivative;
        return scalars;
    }

    public override FeatureScalars BackwardAuxiliary(in FeatureEntries entries, StepLoss loss) => Backward(entries, loss);

    /// <summary>Keeps the k largest of a row.</summary>
    /// <returns>The value that a later feature must exceed.</returns>
    private float KeepLargest(EntryRow entries, int k, int row)
    {
        if (entries.Count <= k)
            return 0;
        if (_scratch[row] is null || _scratch[row].Length < entries.Count)
            _scratch[row] = new float[2 * entries.Count];
        var values = _scratch[row].AsSpan(0, entries.Count);
        entries.Z.CopyTo(values);
        var (bound, equals) = Selection.Largest(values, k);
        entries.Keep(bound, equals);
        return bound;
    }

    /// <summary>Keeps the k · B largest of the batch.</summary>
    private void KeepLargest(EntryRows found)
    {
        var (total, k) = ((int)found.Total, (long)Math.Round(_k * found.Count));
        if (total <= k)
            return;
        if (_all.Length < total)
            _all = new float[total];
        var at = 0;
        for (var row = 0; row < found.Count; at += found[row++].Count)
            found[row].Z.CopyTo(_all.AsSpan(at));
        var (bound, equals) = Selection.Largest(_all.AsSpan(0, total), (int)k);
        for (var row = 0; row < found.Count; row++)
            equals -= found[row].Keep(bound, equals);
        // A later feature of an earlier row may still displace an equal one of a later row, so it is let in.
        _bounds.AsSpan().Fill(MathF.BitDecrement(bound));
    }
}

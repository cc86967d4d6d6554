namespace GemmaScope.Circuits;

/// <summary>
/// The rows of a graph one at a time, so that no matrix of all of them need exist. Nodes are features, errors, tokens and targets, in this
/// order (METHODS §4.5 step 4); features come by layer, so that an edge always leads from a feature to one with a higher number.
/// </summary>
internal abstract class GraphRows
{
    public abstract int Features { get; }

    public abstract int Errors { get; }

    public abstract int Tokens { get; }

    public abstract int Targets { get; }

    /// <summary>Nodes that can be a source.</summary>
    public int Sources => Features + Errors + Tokens;

    public int Nodes => Sources + Targets;

    /// <summary>The nodes that have a row, each before its sources.</summary>
    public IEnumerable<int> Downwards()
    {
        for (var node = Nodes - 1; node >= Sources; node--)
            yield return node;
        for (var node = Features - 1; node >= 0; node--)
            if (Has(node))
                yield return node;
    }

    /// <summary>Whether the row of a feature is known.</summary>
    public virtual bool Has(int feature) => true;

    /// <summary>Writes the row of a node: what each source contributes, [<see cref="Sources"/>].</summary>
    public abstract void Read(int node, Span<float> sources);
}

/// <summary>Rows in a store, of some of its features or of all.</summary>
/// <param name="store">The store: features by number, targets after them.</param>
/// <param name="model">The prompt.</param>
/// <param name="targets">Number of targets.</param>
/// <param name="chosen">The features that are nodes, rising; null for all.</param>
internal sealed class StoredRows(RowStore store, ReplacementModel model, int targets, int[]? chosen = null) : GraphRows
{
    private readonly float[] _row = chosen is null ? [] : new float[store.Sources];

    public override int Features => chosen?.Length ?? model.Features.Count;

    public override int Errors => model.Layers * model.Tokens.Length;

    public override int Tokens => model.Tokens.Length;

    public override int Targets => targets;

    public override bool Has(int feature) => store.Has(chosen?[feature] ?? feature);

    public override void Read(int node, Span<float> sources)
    {
        var row = node >= Sources ? model.Features.Count + node - Sources : chosen?[node] ?? node;
        if (chosen is null)
        {
            store.Read(row, sources);
            return;
        }
        store.Read(row, _row);
        for (var i = 0; i < chosen.Length; i++)
            sources[i] = _row[chosen[i]];
        _row.AsSpan(model.Features.Count).CopyTo(sources[chosen.Length..]);
    }
}

using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>The activations of the counted tokens of a check's text. The model runs anew only for sites that no run has captured.</summary>
internal sealed class CheckRun(GemmaModel model, EvaluationBatch text, CancellationToken cancellationToken) : IDisposable
{
    private readonly Dictionary<Site, Tensor> _rows = [];

    /// <summary>Of each counted token the text it stands in.</summary>
    public int[] Texts { get; } =
    [.. text.Sequences.SelectMany((ids, index) => ids.Select(_ => index)).Where((_, row) => text.Counted[row])];

    public GemmaModel Model => model;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Captures sites, all in one run.</summary>
    public void Capture(IEnumerable<Site> sites)
    {
        Site[] missing = [.. sites.Distinct().Where(site => !_rows.ContainsKey(site))];
        if (missing.Length == 0)
            return;
        using var run = model.Run(text.Sequences, capture: missing, logits: LogitRows.None, cancellationToken: cancellationToken);
        foreach (var site in missing)
            _rows[site] = Counted(run[site]);
    }

    /// <summary>[counted tokens, width] at a captured site.</summary>
    public MatrixView this[Site site] => _rows[site].AsMatrix();

    public void Dispose()
    {
        foreach (var rows in _rows.Values)
            rows.Dispose();
    }

    private Tensor Counted(Tensor all)
    {
        // z is [tokens, heads, head size]: its heads stand side by side.
        var matrix = SavedActivations.Rows(all, text.Rows);
        var rows = Tensor.Uninitialized(Texts.Length, matrix.Columns);
        for (int row = 0, next = 0; row < text.Rows; row++)
            if (text.Counted[row])
                matrix.Row(row).CopyTo(rows.Row(next++));
        return rows;
    }
}

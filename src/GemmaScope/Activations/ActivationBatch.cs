using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Rows of activations of some sites in memory of their own: one f32 matrix [rows, width] a site, filled anew by each
/// read.</summary>
public sealed class ActivationBatch : IDisposable
{
    private readonly IReadOnlyList<Site> _sites;
    private Tensor[] _rows;

    /// <summary>A batch with undefined contents.</summary>
    /// <param name="source">What it is to be read from: names the sites and their widths.</param>
    /// <param name="rows">Rows of each read, 1 or more.</param>
    /// <exception cref="ArgumentProblemException">There are no rows.</exception>
    public ActivationBatch(IActivationSource source, int rows)
    {
        if (rows < 1)
            throw new ArgumentProblemException($"must have 1 row or more, not {rows}", "batch");
        (_sites, Rows) = (source.Sites, rows);
        _rows = [.. source.Sites.Select(site => Tensor.Uninitialized(rows, source.Width(site)))];
    }

    /// <summary>Rows of each site.</summary>
    public int Rows { get; }

    /// <summary>The rows of a site, [rows, width]; valid until the next read into this batch.</summary>
    /// <exception cref="ArgumentProblemException">The source does not have the site.</exception>
    public MatrixView this[Site site]
    {
        get
        {
            for (var i = 0; i < _sites.Count; i++)
                if (_sites[i] == site)
                    return this[i];
            throw new ArgumentProblemException($"is not in the batch, which has {string.Join(", ", _sites)}", site.ToString());
        }
    }

    /// <summary>The rows of the site with this index in the source's list, [rows, width]; valid until the next read into this
    /// batch.</summary>
    public MatrixView this[int site] => _rows[site].AsMatrix();

    /// <summary>Copies the rows of some sites side by side, as dictionaries of several layers read them.</summary>
    /// <param name="sites">The sites in the order wanted.</param>
    /// <param name="target">[rows, width of all of them].</param>
    public void CopyBeside(IReadOnlyList<Site> sites, MatrixView target)
    {
        var start = 0;
        foreach (var site in sites)
        {
            var part = this[site];
            for (var row = 0; row < Rows; row++)
                part.Row(row).CopyTo(target.Row(row)[start..]);
            start += part.Columns;
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var rows in _rows)
            rows.Dispose();
    }

    /// <summary>Exchanges the contents with a batch of the same shape: how a full buffer is handed over without a copy.</summary>
    internal void Swap(ActivationBatch other) => (_rows, other._rows) = (other._rows, _rows);
}

using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Features;

/// <summary>What dictionaries read and write, handed to them while a run of the model goes by: each gets its rows once, when the last of
/// its sites was computed.</summary>
internal sealed class PassingSites : IDisposable
{
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly Action<int, MatrixView, MatrixView> _read;
    private readonly Dictionary<Site, Tensor> _kept = [];

    /// <param name="dictionaries">The dictionaries.</param>
    /// <param name="read">Gets a dictionary's index, its input rows and the rows at the sites it writes; both are gone afterwards.</param>
    public PassingSites(IReadOnlyList<SparseDictionary> dictionaries, Action<int, MatrixView, MatrixView> read)
    {
        (_dictionaries, _read) = (dictionaries, read);
        Readers = [.. dictionaries.SelectMany(Sites).Distinct().Select(site => Edit.OfAllSequences(site, rows => Arrive(site, rows)))];
    }

    /// <summary>To be given to the run as edits; they change nothing.</summary>
    public IReadOnlyList<Edit> Readers { get; }

    public void Dispose()
    {
        foreach (var tensor in _kept.Values)
            tensor.Dispose();
    }

    private static IEnumerable<Site> Sites(SparseDictionary dictionary) => dictionary.InputSites.Concat(dictionary.OutputSites);

    private void Arrive(Site site, MatrixView rows)
    {
        var copy = _kept[site] = Tensor.Uninitialized(rows.Rows, rows.Columns);
        for (var row = 0; row < rows.Rows; row++)
            rows.Row(row).CopyTo(copy.Row(row));
        for (var i = 0; i < _dictionaries.Count; i++)
            if (Sites(_dictionaries[i]).Max() == site)
                Read(i);
        // What only dictionaries that are done needed is not kept to the end of the run.
        foreach (
            var done in _kept.Keys.Where(kept => _dictionaries.All(one => !Sites(one).Contains(kept) || Sites(one).Max() <= site)).ToArray()
        )
        {
            _kept[done].Dispose();
            _kept.Remove(done);
        }
    }

    private void Read(int index)
    {
        using Gathered input = new(this, _dictionaries[index].InputSites),
            output = new(this, _dictionaries[index].OutputSites);
        _read(index, input.Rows, output.Rows);
    }

    /// <summary>The rows of one site as they are kept, of several side by side.</summary>
    private readonly struct Gathered : IDisposable
    {
        private readonly Tensor? _own;

        public Gathered(PassingSites passing, IReadOnlyList<Site> sites)
        {
            _own = sites.Count == 1 ? null : SparseDictionary.Beside([.. sites.Select(site => passing._kept[site].AsMatrix())]);
            Rows = (_own ?? passing._kept[sites[0]]).AsMatrix();
        }

        public MatrixView Rows { get; }

        public void Dispose() => _own?.Dispose();
    }
}

using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour;

/// <summary>Reads what is watched at one site, of one dictionary or along directions, in each pass.</summary>
internal sealed class WatchReader
{
    private readonly float[][] _vectors;
    private readonly FeatureReadout? _features;
    private readonly int[] _places;
    private float[] _read = [];

    /// <param name="watches">What is read: directions at a site, or features of a dictionary.</param>
    /// <param name="places">The place of each among all that is watched.</param>
    public WatchReader(Watch[] watches, int[] places)
    {
        (Site, _places) = (watches[0].Site, places);
        _vectors = [.. watches.Select(watch => watch.Vector).OfType<float[]>()];
        if (watches[0].Dictionary is { } dictionary)
            _features = new(dictionary, Array.ConvertAll(watches, watch => watch.Feature));
    }

    public Site Site { get; }

    /// <summary>Reads the rows of a pass: [rows, watches].</summary>
    public void Read(MatrixView rows)
    {
        if (_read.Length < rows.Rows * _places.Length)
            _read = new float[rows.Rows * _places.Length];
        if (_features is not null)
            _features.Read(rows, _read);
        for (var row = 0; row < rows.Rows; row++)
        for (var i = 0; i < _vectors.Length; i++)
            _read[row * _places.Length + i] = TensorPrimitives.Dot<float>(rows.Row(row), _vectors[i]);
    }

    /// <summary>Puts what was read in a row to its places.</summary>
    public void Copy(int row, float[] values)
    {
        for (var i = 0; i < _places.Length; i++)
            values[_places[i]] = _read[row * _places.Length + i];
    }
}

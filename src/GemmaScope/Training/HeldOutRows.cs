using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>What a dictionary is worth on rows that it was not trained on.</summary>
/// <param name="Fvu">Σ ‖y − ŷ‖² / Σ ‖y − ȳ‖², of several sites each divided by its squared scale.</param>
/// <param name="L0">Mean number of active features.</param>
internal readonly record struct HeldOutFigures(double Fvu, double L0);

/// <summary>Rows that a run does not read, kept in memory: on them it sees what it has learned so far, in the form in which dictionaries
/// are used afterwards.</summary>
internal sealed class HeldOutRows : IDisposable
{
    private readonly ActivationBatch _rows;
    private readonly IReadOnlyDictionary<string, double> _scales;

    /// <param name="source">Gives the rows, which are read once.</param>
    /// <param name="rows">How many.</param>
    /// <param name="scales">The scale of each site, by its name.</param>
    public HeldOutRows(IActivationSource source, int rows, IReadOnlyDictionary<string, double> scales)
    {
        (_rows, _scales) = (new(source, rows), scales);
        source.Read(_rows);
    }

    public HeldOutFigures Measure(SparseDictionary dictionary)
    {
        using var x = Beside(dictionary.InputSites, dictionary.InputWidth);
        var features = dictionary.Encode(x.AsMatrix());
        using var y = dictionary.Decode(features, x.AsMatrix());
        var (error, spread, start) = (0.0, 0.0, 0);
        foreach (var site in dictionary.OutputSites)
        {
            var (wanted, weight) = (_rows[site], 1 / Math.Pow(_scales[site.ToString()], 2));
            var mean = ParameterStart.Mean(wanted);
            for (var row = 0; row < wanted.Rows; row++)
            {
                var want = wanted.Row(row);
                var got = y.Row(row).Slice(start, wanted.Columns);
                for (var i = 0; i < want.Length; i++)
                {
                    error += weight * ((double)want[i] - got[i]) * ((double)want[i] - got[i]);
                    spread += weight * (want[i] - mean[i]) * (want[i] - mean[i]);
                }
            }
            start += wanted.Columns;
        }
        return new(error / spread, Enumerable.Range(0, features.Rows).Average(features.L0));
    }

    public void Dispose() => _rows.Dispose();

    private Tensor Beside(IReadOnlyList<Site> sites, int width)
    {
        var together = Tensor.Uninitialized(_rows.Rows, width);
        _rows.CopyBeside(sites, together.AsMatrix());
        return together;
    }
}

using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Changes a row of activations in place.</summary>
internal delegate void RowChange(Span<float> row);

/// <summary>A way to read a dictionary: what it is given, and what its reconstruction is compared with.</summary>
/// <param name="Name">Behind "is read" or "fits": <c>at resid_post.3</c>.</param>
/// <param name="Cause">What is wrong if it fits and the declared reading does not.</param>
/// <param name="Inputs">The sites it is given.</param>
/// <param name="Outputs">The sites that it is to reconstruct.</param>
internal sealed record CheckReading(string Name, DictionaryMismatch Cause, IReadOnlyList<Site> Inputs, IReadOnlyList<Site> Outputs)
{
    /// <summary>Changes each row of the inputs; null for none.</summary>
    public RowChange? Input { get; init; }

    /// <summary>Changes each row of the outputs; null for none.</summary>
    public RowChange? Output { get; init; }

    /// <summary>Whether the sites alone differ, so that the dictionary can be read so by naming another one.</summary>
    public bool IsSite => Input is null && Output is null;

    /// <summary>Encodes and decodes some rows of a run.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="run">A run that captured the sites.</param>
    /// <param name="rows">Which of its rows.</param>
    public CheckNumbers Measure(SparseDictionary dictionary, CheckRun run, int[] rows)
    {
        using var input = Gather(run, Inputs, rows, Input);
        using var output = Gather(run, Outputs, rows, Output);
        var features = dictionary.Encode(input.AsMatrix(), run.CancellationToken);
        using var reconstruction = dictionary.Decode(features, input.AsMatrix());
        return new(features, output.AsMatrix(), reconstruction.AsMatrix(), [.. rows.Select(row => run.Texts[row])]);
    }

    /// <summary>[rows, width of all sites together].</summary>
    public static Tensor Gather(CheckRun run, IReadOnlyList<Site> sites, int[] rows, RowChange? change)
    {
        var result = Tensor.Uninitialized(rows.Length, sites.Sum(site => run[site].Columns));
        for (var i = 0; i < rows.Length; i++)
        {
            var row = result.Row(i);
            var start = 0;
            foreach (var site in sites)
            {
                var part = run[site].Row(rows[i]);
                part.CopyTo(row[start..]);
                start += part.Length;
            }
            change?.Invoke(row);
        }
        return result;
    }
}

/// <summary>How well one reading fits.</summary>
internal sealed class CheckNumbers
{
    private readonly double[] _byText;

    public CheckNumbers(SparseActivations features, MatrixView y, MatrixView reconstruction, int[] texts)
    {
        var whole = new ReconstructionSums(y.Columns);
        var parts = new Dictionary<int, ReconstructionSums>();
        for (var row = 0; row < y.Rows; row++)
        {
            if (!parts.TryGetValue(texts[row], out var part))
                parts[texts[row]] = part = new(y.Columns);
            whole.Add(y.Row(row), reconstruction.Row(row));
            part.Add(y.Row(row), reconstruction.Row(row));
        }
        var sparsity = new SparsitySums(features.Width);
        sparsity.Add(features);
        (Fvu, L0) = (whole.Fvu, sparsity.L0);
        var mean = whole.Mean();
        _byText =
        [
            .. parts
                .OrderBy(part => part.Key)
                .Select(part => part.Value.MeanSquaredError * part.Value.Rows / part.Value.SpreadAround(mean)),
        ];
    }

    public double Fvu { get; }

    public double L0 { get; }

    /// <summary>In how many of the texts it leaves at least as much unexplained as another reading.</summary>
    public int NotBetterThan(CheckNumbers other) => _byText.Zip(other._byText).Count(pair => pair.First >= pair.Second);

    public int Texts => _byText.Length;
}

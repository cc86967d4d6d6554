using System.Runtime.InteropServices;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// Sums over the counted positions that give the correlation of each feature with each coordinate of the dictionary's input ("neurons"):
/// Σ f x, Σ x, Σ x². They are made while the model runs, for the inputs are not kept; 8 bytes times width times input width.
/// </summary>
internal sealed unsafe class NeuronSums : IDisposable
{
    private const int PartsPerWorker = 2;

    private readonly Tensor _products; // F64 [width, inputs]
    private readonly double[] _sums,
        _squares;

    public NeuronSums(int width, int inputs)
    {
        (Width, Inputs) = (width, inputs);
        _products = Tensor.Allocate(DType.F64, [width, inputs]);
        (_sums, _squares) = (new double[inputs], new double[inputs]);
    }

    public int Width { get; }

    public int Inputs { get; }

    /// <summary>Adds the rows that count.</summary>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="features">Their features.</param>
    /// <param name="counted">Which rows count.</param>
    public void Add(MatrixView x, SparseActivations features, ReadOnlySpan<bool> counted)
    {
        int[] rows = [.. Enumerable.Range(0, x.Rows).Zip(counted.ToArray()).Where(pair => pair.Second).Select(pair => pair.First)];
        foreach (var row in rows)
            for (var i = 0; i < Inputs; i++)
            {
                _sums[i] += x.Row(row)[i];
                _squares[i] += (double)x.Row(row)[i] * x.Row(row)[i];
            }
        var parts = Math.Clamp(Width, 1, Workers.Count * PartsPerWorker);
        Workers.For(parts, new Job(this, x, features, rows, parts));
    }

    /// <summary>The coordinates with the largest correlations with a feature.</summary>
    public CorrelatedNeuron[] Strongest(int feature, FeatureCounts counts, long positions, int k)
    {
        if (counts.Count[feature] == 0)
            return [];
        var best = new RankedList(k);
        for (var i = 0; i < Inputs; i++)
            best.Offer(
                i,
                FeaturePairs.Correlation(
                    Product(feature, i),
                    counts.Sum[feature],
                    _sums[i],
                    counts.SumOfSquares[feature],
                    _squares[i],
                    positions
                )
            );
        var found = new CorrelatedNeuron[best.Count];
        for (var i = 0; i < found.Length; i++)
        {
            var neuron = best.Indices[i];
            var norm = Math.Sqrt(counts.SumOfSquares[feature] * _squares[neuron]);
            found[i] = new(neuron, (float)best.Values[i], norm > 0 ? (float)(Product(feature, neuron) / norm) : 0);
        }
        return found;
    }

    public void Save(string file, IReadOnlyDictionary<string, string> description) =>
        SafetensorsWriter.Write(
            file,
            [new TensorSource("products", _products), Numbers("sums", _sums), Numbers("squares", _squares)],
            description,
            overwrite: true
        );

    public void Restore(string file, Action<IReadOnlyDictionary<string, string>> accept)
    {
        using var saved = SafetensorsFile.Open(file);
        accept(saved.Metadata);
        fixed (
            double* sums = _sums,
                squares = _squares
        )
        {
            Copy("products", _products.Pointer, _products.ByteLength);
            Copy("sums", sums, sizeof(double) * Inputs);
            Copy("squares", squares, sizeof(double) * Inputs);
        }

        void Copy(string name, void* target, long bytes)
        {
            var tensor = saved[name];
            if (tensor.Type != DType.F64 || tensor.ByteLength != bytes)
                throw new FileFormatException($"the tensor '{name}' belongs to another dictionary", file);
            Buffer.MemoryCopy(tensor.Pointer, target, bytes, bytes);
        }
    }

    public void Dispose() => _products.Dispose();

    private static TensorSource Numbers(string name, double[] values) =>
        new(name, DType.F64, [values.Length], stream => stream.Write(MemoryMarshal.AsBytes<double>(values)));

    private double Product(int feature, int input) => ((double*)_products.Pointer)[(long)feature * Inputs + input];

    private readonly struct Job(NeuronSums sums, MatrixView x, SparseActivations features, int[] rows, int parts) : IJob
    {
        public void Run(int index)
        {
            int first = (int)((long)sums.Width * index / parts),
                end = (int)((long)sums.Width * (index + 1) / parts);
            foreach (var row in rows)
            {
                var own = new SparseRow(features.Indices(row), features.Values(row)).Within(first, end);
                for (var i = 0; i < own.Indices.Length; i++)
                    if (own.Values[i] > 0)
                        Add(
                            (double*)sums._products.Pointer + (long)own.Indices[i] * sums.Inputs,
                            own.Values[i],
                            x.Data + (long)row * x.Stride
                        );
            }
        }

        private void Add(double* products, double value, float* input)
        {
            for (var i = 0; i < sums.Inputs; i++)
                products[i] += value * input[i];
        }
    }
}

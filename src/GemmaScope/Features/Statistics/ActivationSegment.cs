using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>The active features of one position: indices rising, with their activations.</summary>
internal readonly ref struct SparseRow(ReadOnlySpan<int> indices, ReadOnlySpan<float> values)
{
    public ReadOnlySpan<int> Indices { get; } = indices;

    public ReadOnlySpan<float> Values { get; } = values;

    /// <summary>The entries of the features [first, end).</summary>
    public SparseRow Within(int first, int end)
    {
        int from = LowerBound(Indices, first),
            to = LowerBound(Indices, end);
        return new(Indices[from..to], Values[from..to]);
    }

    private static int LowerBound(ReadOnlySpan<int> sorted, int value)
    {
        int low = 0,
            high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (sorted[middle] < value)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}

/// <summary>
/// A part of a corpus: the tokens of some sequences, which of them count, and the features of several dictionaries at each (CSR).
/// Its numbers lie in memory or in a mapped file, so that a corpus may be larger than memory.
/// </summary>
internal sealed unsafe class ActivationSegment : IDisposable
{
    private readonly Tensor _tokens,
        _starts,
        _counted;
    private readonly (Tensor Starts, Tensor Indices, Tensor Values)[] _features;
    private readonly IDisposable? _owner;

    /// <param name="tokens">I32 [rows].</param>
    /// <param name="starts">I32 [sequences + 1], where each sequence begins in the rows.</param>
    /// <param name="counted">U8 [rows].</param>
    /// <param name="features">For each dictionary I32 [rows + 1], I32 [entries], F32 [entries].</param>
    /// <param name="owner">What is disposed with the segment: the mapped file.</param>
    public ActivationSegment(
        Tensor tokens,
        Tensor starts,
        Tensor counted,
        (Tensor Starts, Tensor Indices, Tensor Values)[] features,
        IDisposable? owner
    )
    {
        (_tokens, _starts, _counted, _features, _owner) = (tokens, starts, counted, features, owner);
        foreach (var flag in new ReadOnlySpan<byte>(counted.Pointer, Rows))
            Counted += flag;
    }

    public int Sequences => (int)_starts.Length - 1;

    public int Rows => (int)_tokens.Length;

    /// <summary>Rows that count.</summary>
    public long Counted { get; }

    public int Start(int sequence) => ((int*)_starts.Pointer)[sequence];

    public int Length(int sequence) => Start(sequence + 1) - Start(sequence);

    public ReadOnlySpan<int> Tokens(int sequence) => new((int*)_tokens.Pointer + Start(sequence), Length(sequence));

    public bool Counts(int row) => _counted.Pointer[row] != 0;

    /// <summary>The features of a dictionary at a row.</summary>
    public SparseRow Row(int dictionary, int row)
    {
        var (starts, indices, values) = _features[dictionary];
        int begin = ((int*)starts.Pointer)[row],
            count = ((int*)starts.Pointer)[row + 1] - begin;
        return new(new((int*)indices.Pointer + begin, count), new((float*)values.Pointer + begin, count));
    }

    /// <summary>The activation of one feature at a row.</summary>
    public float Value(int dictionary, int row, int feature)
    {
        var entries = Row(dictionary, row);
        var at = entries.Indices.BinarySearch(feature);
        return at < 0 ? 0 : entries.Values[at];
    }

    /// <summary>Maps a file that <see cref="Write"/> made.</summary>
    public static ActivationSegment Open(string path, int dictionaries, Action<IReadOnlyDictionary<string, string>> accept)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            accept(file.Metadata);
            var features = Enumerable
                .Range(0, dictionaries)
                .Select(d => (file[$"{d}.starts"], file[$"{d}.indices"], file[$"{d}.values"]))
                .ToArray();
            return new(file["tokens"], file["starts"], file["counted"], features, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes batches with the features of each dictionary as one file.</summary>
    public static void Write(
        string path,
        IReadOnlyList<EvaluationBatch> batches,
        IReadOnlyList<SparseActivations[]> features,
        IReadOnlyDictionary<string, string> description
    )
    {
        var starts = new List<int> { 0 };
        foreach (var ids in batches.SelectMany(batch => batch.Sequences))
            starts.Add(starts[^1] + ids.Length);
        var tensors = new List<TensorSource>
        {
            Integers("tokens", [.. batches.SelectMany(batch => batch.Sequences).SelectMany(ids => ids)]),
            Integers("starts", [.. starts]),
            Bytes(
                "counted",
                DType.U8,
                starts[^1],
                [.. batches.SelectMany(batch => batch.Counted).Select(counts => counts ? (byte)1 : (byte)0)]
            ),
        };
        for (var d = 0; d < features[0].Length; d++)
        {
            var (rows, indices, values) = Joined([.. features.Select(batch => batch[d])]);
            tensors.AddRange([
                Integers($"{d}.starts", rows),
                Integers($"{d}.indices", indices),
                Bytes($"{d}.values", DType.F32, values.Length, values),
            ]);
        }
        SafetensorsWriter.Write(path, tensors, description, overwrite: true);
    }

    public void Dispose() => _owner?.Dispose();

    /// <summary>CSR matrices under each other, without entries that are not above 0.</summary>
    private static (int[] Starts, int[] Indices, float[] Values) Joined(SparseActivations[] parts)
    {
        var (starts, indices, values) = (new List<int> { 0 }, new List<int>(), new List<float>());
        foreach (var part in parts)
            for (var row = 0; row < part.Rows; row++)
            {
                for (var i = 0; i < part.Indices(row).Length; i++)
                {
                    if (!(part.Values(row)[i] > 0))
                        continue;
                    indices.Add(part.Indices(row)[i]);
                    values.Add(part.Values(row)[i]);
                }
                starts.Add(indices.Count);
            }
        return ([.. starts], [.. indices], [.. values]);
    }

    private static TensorSource Integers(string name, int[] values) => Bytes(name, DType.I32, values.Length, values);

    private static TensorSource Bytes<T>(string name, DType type, long length, T[] values)
        where T : unmanaged =>
        new(name, type, [length], stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(values)));
}

using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Comparisons with golden tensors and numbers that several verifiers share. A NaN on either side is an infinite error.</summary>
internal static class Golden
{
    /// <summary>Largest |got − want| of a row against the largest |want| of that row, over all rows.</summary>
    public static double RowError(MatrixView got, MatrixView want)
    {
        if (got.Rows != want.Rows || got.Columns != want.Columns)
            return double.PositiveInfinity;
        double worst = 0;
        for (var i = 0; i < got.Rows; i++)
            worst = Math.Max(worst, Error(got.Row(i), want.Row(i)));
        return worst;
    }

    /// <summary>Largest |got − want| against the largest |want|.</summary>
    public static double Error(ReadOnlySpan<float> got, ReadOnlySpan<float> want)
    {
        if (got.Length != want.Length)
            return double.PositiveInfinity;
        double error = 0,
            scale = 0;
        for (var i = 0; i < got.Length; i++)
        {
            var difference = Math.Abs((double)got[i] - want[i]);
            if (double.IsNaN(difference))
                return double.PositiveInfinity;
            error = Math.Max(error, difference);
            scale = Math.Max(scale, Math.Abs((double)want[i]));
        }
        return error == 0 ? 0
            : scale == 0 ? double.PositiveInfinity
            : error / scale;
    }

    /// <summary>A number of expected.json against ours, relative to it.</summary>
    public static Check Number(string name, double got, JsonSection want, string key, double tolerance)
    {
        var expected = want.Number(key) ?? throw want.Missing(key);
        var error = Math.Abs(got - expected) / Math.Max(Math.Abs(expected), double.Epsilon);
        return Check.Within(name, got == expected ? 0 : error, tolerance);
    }

    /// <summary>A count of expected.json, which must be equal.</summary>
    public static Check Count(string name, long got, JsonSection want, string key)
    {
        var expected = want.Number(key) ?? throw want.Missing(key);
        return Check.That(name, got == expected, $"{got}, expected {expected}");
    }

    /// <summary>A list of numbers of expected.json.</summary>
    public static double[] Numbers(JsonSection want, string key) =>
        want.Element.TryGetProperty(key, out var list)
        && list.ValueKind == JsonValueKind.Array
        && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number)
            ? [.. list.EnumerateArray().Select(item => item.GetDouble())]
            : throw want.Missing(key);

    /// <summary>An I32 tensor of a golden file.</summary>
    public static unsafe ReadOnlySpan<int> Integers(SafetensorsFile file, string name) =>
        file[name] is { Type: DType.I32 } tensor
            ? new ReadOnlySpan<int>(tensor.Pointer, checked((int)tensor.Length))
            : throw new FileFormatException($"the tensor '{name}' must be I32", file.Path);

    /// <summary>A U8 tensor of a golden file as flags.</summary>
    public static unsafe bool[] Flags(SafetensorsFile file, string name) =>
        file[name] is { Type: DType.U8 } tensor
            ? [.. new ReadOnlySpan<byte>(tensor.Pointer, checked((int)tensor.Length)).ToArray().Select(flag => flag != 0)]
            : throw new FileFormatException($"the tensor '{name}' must be U8", file.Path);

    /// <summary>Columns [start, start + count) of sparse features as a dense matrix.</summary>
    public static Tensor Dense(SparseActivations features, int start, int count)
    {
        var dense = Tensor.Zeros(features.Rows, count);
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; i < features.Indices(row).Length; i++)
            if (features.Indices(row)[i] - start is >= 0 and var column && column < count)
                dense.Row(row)[column] = features.Values(row)[i];
        return dense;
    }

    /// <summary>The entries of a dense matrix that are not 0 and satisfy a condition.</summary>
    public static SparseActivations Sparse(MatrixView dense, Func<float, bool> keep)
    {
        var rows = new FeatureRows(dense.Rows, dense.Columns);
        for (var row = 0; row < dense.Rows; row++)
        for (var column = 0; column < dense.Columns; column++)
            if (dense.Row(row)[column] is var value && value != 0 && keep(value))
                rows[row].Add(column, value);
        return rows.ToActivations();
    }
}

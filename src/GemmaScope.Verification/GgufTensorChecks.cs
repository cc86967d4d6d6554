using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// The tensors of a GGUF file: types, shapes, values of every type exactly those of the reference, sums over all, and the product of
/// rows stored in each type with a vector, which the kernels read without a wide copy.
/// </summary>
internal sealed class GgufTensorChecks(GgufFile file, SafetensorsFile golden, JsonSection expected)
{
    private const double SumTolerance = 1e-6,
        ProductTolerance = 1e-5;

    private const string Prefix = "dequantised.";

    public IEnumerable<Check> Run()
    {
        if (expected.Section("types") is { } types)
        {
            var found = file.Names.CountBy(name => $"{file[name].Type}").ToDictionary();
            var tally = new Tally("tensors by type");
            foreach (var type in types.Keys.Union(found.Keys))
                tally.Compare(type, found.GetValueOrDefault(type), types.Integer(type) ?? 0);
            yield return tally.ToCheck();
        }
        foreach (var check in Listed(expected.Section("tensors") ?? throw expected.Missing("tensors")))
            yield return check;
        foreach (var (name, values) in golden.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            if (name.StartsWith(Prefix, StringComparison.Ordinal))
                foreach (var check in Values(name, file[name[Prefix.Length..]], values))
                    yield return check;
    }

    private IEnumerable<Check> Listed(JsonSection tensors)
    {
        var shapes = new Tally("types and shapes");
        var worst = new Dictionary<DType, double>();
        foreach (var name in tensors.Keys)
        {
            var (tensor, entry) = (file[name], tensors.Section(name)!);
            shapes.Compare(name, $"{tensor.Type}", entry.Text("type"));
            shapes.CompareAll(
                name,
                [.. tensor.Shape.ToArray().Reverse().Select(n => (int)n)],
                entry.Integers("ne") ?? throw entry.Missing("ne")
            );
            worst[tensor.Type] = Math.Max(worst.GetValueOrDefault(tensor.Type), SumError(tensor, entry));
        }
        yield return shapes.ToCheck();
        foreach (var (type, error) in worst.OrderBy(pair => pair.Key))
            yield return Check.Within($"{type}, sums of all values", error, SumTolerance);
    }

    /// <summary>The largest error of sum, weighted sum (relative to the sum of |x|) and sum of squares.</summary>
    private static double SumError(Tensor tensor, JsonSection entry)
    {
        using var wide = tensor.ToF32();
        double sum = 0,
            weighted = 0,
            squares = 0,
            size = 0;
        var values = wide.AsSpan();
        for (var i = 0; i < values.Length; i++)
        {
            sum += values[i];
            size += Math.Abs((double)values[i]);
            squares += (double)values[i] * values[i];
            weighted += values[i] * ((uint)(i * 2654435761L) / 4294967296.0 - 0.5);
        }
        return new[] { Error(sum, "sum", size), Error(weighted, "weighted_sum", size), Error(squares, "sum_of_squares", squares) }.Max();

        double Error(double got, string key, double scale) =>
            Math.Abs(got - (entry.Number(key) ?? throw entry.Missing(key))) is var error && error == 0 ? 0 : error / scale;
    }

    private static IEnumerable<Check> Values(string name, Tensor stored, Tensor values)
    {
        using var wide = stored.ToF32();
        var got = wide.AsSpan()[..(int)Math.Min(values.Length, wide.Length)].ToArray();
        // Exact: no rounding is left to chance where scale times number fits into f32.
        yield return Check.Within(name, Golden.Error(got, values.AsSpan()), 0, $"{stored.Type}, {values.Length} values");
        if (stored.Shape.Length == 2)
            yield return Check.Within($"{stored.Type} product with {name}", Product(stored, values), ProductTolerance);
    }

    /// <summary>The largest error of the products of the golden rows with a vector, relative to the sum of their parts.</summary>
    private static double Product(Tensor stored, Tensor values)
    {
        var (rows, columns) = ((int)values.Rows, values.Columns);
        using var x = Tensor.Uninitialized(1, columns);
        for (var i = 0; i < columns; i++)
            x.AsSpan()[i] = (float)((uint)(i * 2654435761L) / 4294967296.0 - 0.5);
        using var y = Tensor.Zeros(1, rows);
        var weights = WeightView.Of(stored, WeightLayout.OutIn).SliceOutputs(0, rows);
        Compute.Kernels.Multiply(x.AsMatrix(), weights, y.AsMatrix(), Arithmetic.Exact);
        double worst = 0;
        for (var row = 0; row < rows; row++)
        {
            double sum = 0,
                size = 0;
            for (var i = 0; i < columns; i++)
            {
                var part = (double)x.AsSpan()[i] * values.Row(row)[i];
                sum += part;
                size += Math.Abs(part);
            }
            var error = Math.Abs(y.AsSpan()[row] - sum) / Math.Max(size, 1e-30);
            worst = error <= worst ? worst : error;
        }
        return worst;
    }
}

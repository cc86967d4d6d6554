using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// ŷ = f · W_dec + b_dec (+ x · W_skip) row by row at the cost of the active features, the errors, and their gradient by ŷ. For Matryoshka
/// each prefix k has its own error e_k = ŷ_k − y, and a feature sees those of all prefixes that contain it: G_k = 2/(B K) Σ_{j ≥ k} e_j
/// (METHODS §4.1).
/// </summary>
internal sealed unsafe class DecoderPass : IDisposable
{
    /// <summary>Rows of one piece of work; sums are made per piece and then in order, so they do not depend on the number of
    /// threads.</summary>
    private const int RowsPerPart = 32;

    /// <summary>Entries of a row that are added in one go, so that decoder vectors which many rows need are in the cache when the next row
    /// comes.</summary>
    private const int EntriesAtOnce = 64;

    private readonly Arithmetic _arithmetic;
    private readonly TrainerShape _shape;
    private readonly TrainerParameters _parameters;
    private readonly int[] _blockStarts;
    private readonly Tensor?[] _gradients;
    private Tensor? _auxiliaryGradient,
        _skipped;
    private Part[] _parts = [];

    public DecoderPass(Recipe recipe, TrainerShape shape, TrainerParameters parameters)
    {
        (_arithmetic, _shape, _parameters) = (recipe.Arithmetic, shape, parameters);
        int[] prefixes = [.. recipe.Prefixes ?? [shape.Features]];
        Prefixes = recipe.BiasOnlyPrefix ? [0, .. prefixes] : prefixes;
        _gradients = new Tensor?[Prefixes.Count];
        _blockStarts = [.. shape.Blocks.Select((_, l) => shape.Blocks.Take(l).Sum(block => block.Features)), shape.Features];
        BiasGradient = new double[shape.OutputWidth];
    }

    /// <summary>Numbers of features after which a reconstruction counts; 0 stands for b_dec alone.</summary>
    public IReadOnlyList<int> Prefixes { get; }

    /// <summary>Mean squared error of each prefix.</summary>
    public double[] Errors { get; private set; } = [];

    /// <summary>The auxiliary loss before its weight.</summary>
    public double Auxiliary { get; private set; }

    /// <summary>Bytes that are kept for a batch.</summary>
    public long Bytes =>
        _gradients.Append(_auxiliaryGradient).Append(_skipped).Sum(tensor => tensor?.ByteLength ?? 0)
        + sizeof(float) * (long)_parts.Length * _shape.OutputWidth;

    /// <summary>Σ_b ∂L/∂ŷ, what b_dec receives as the decoder's bias.</summary>
    public double[] BiasGradient { get; }

    /// <summary>∂L/∂ŷ of each row as a feature of a prefix sees it: [rows, outputs].</summary>
    public MatrixView Gradient(int prefix) => _gradients[prefix]!.AsMatrix();

    /// <summary>∂L/∂ŷ of the second code.</summary>
    public MatrixView AuxiliaryGradient => _auxiliaryGradient!.AsMatrix();

    /// <summary>Decodes all rows.</summary>
    /// <param name="x">Inputs, for the linear path.</param>
    /// <param name="y">Targets.</param>
    /// <param name="found">The features' entries.</param>
    /// <param name="rule">Gives their activations.</param>
    /// <param name="auxiliary">The second code, or null.</param>
    /// <param name="weights">Weights of the reconstruction and of the auxiliary loss: 1 and 1, or 0 to leave one out.</param>
    /// <param name="reconstruction">Receives ŷ where wanted.</param>
    public void Run(
        MatrixView x,
        MatrixView y,
        EntryRows found,
        FeatureRule rule,
        AuxiliaryCode? auxiliary,
        (double Main, double Auxiliary) weights,
        MatrixView? reconstruction
    )
    {
        for (var k = 0; k < _gradients.Length; k++)
            Reserve(ref _gradients[k], y.Rows);
        if (auxiliary is not null)
            Reserve(ref _auxiliaryGradient, y.Rows);
        Skip(x);
        var parts = (y.Rows + RowsPerPart - 1) / RowsPerPart;
        if (_parts.Length < parts)
            _parts = [.. _parts, .. Enumerable.Range(0, parts - _parts.Length).Select(_ => new Part(_shape.OutputWidth, Prefixes.Count))];
        Workers.For(parts, new Job(this, y, found, rule, auxiliary, weights, reconstruction));
        Sum(parts, y.Rows, auxiliary);
    }

    /// <summary>∂L/∂W_skip of a block: xᵀ · G of its own layer.</summary>
    public Tensor SkipGradient(int l, MatrixView x)
    {
        var block = _shape.Blocks[l];
        var own = x.SliceColumns(block.InputStart, block.InputWidth);
        using var transposed = Tensor.Uninitialized(own.Columns, own.Rows);
        for (var row = 0; row < own.Rows; row++)
        for (var column = 0; column < own.Columns; column++)
            transposed.Floats[(long)column * own.Rows + row] = own.Data[(long)row * own.Stride + column];
        var gradient = Tensor.Uninitialized(own.Columns, _shape.LayerWidth);
        var errors = Gradient(0).SliceColumns(block.OutputStart, _shape.LayerWidth);
        Compute.Kernels.Multiply(transposed.AsMatrix(), WeightView.Of(errors, WeightLayout.InOut), gradient.AsMatrix(), _arithmetic);
        return gradient;
    }

    public void Dispose()
    {
        foreach (var gradient in _gradients)
            gradient?.Dispose();
        _auxiliaryGradient?.Dispose();
        _skipped?.Dispose();
    }

    private void Skip(MatrixView x)
    {
        if (_parameters.Skip.Length == 0)
            return;
        Reserve(ref _skipped, x.Rows);
        for (var l = 0; l < _shape.Blocks.Count; l++)
        {
            var block = _shape.Blocks[l];
            Compute.Kernels.Multiply(
                x.SliceColumns(block.InputStart, block.InputWidth),
                WeightView.Of(_parameters.Skip[l].Values, WeightLayout.InOut),
                _skipped!.AsMatrix().SliceColumns(block.OutputStart, _shape.LayerWidth),
                _arithmetic
            );
        }
    }

    private void Reserve(ref Tensor? tensor, int rows)
    {
        if (tensor is not null && tensor.Rows == rows)
            return;
        tensor?.Dispose();
        tensor = Tensor.Uninitialized(rows, _shape.OutputWidth);
    }

    private void Sum(int parts, int rows, AuxiliaryCode? auxiliary)
    {
        Errors = new double[Prefixes.Count];
        Auxiliary = 0;
        Array.Clear(BiasGradient);
        foreach (var part in _parts.AsSpan(0, parts))
        {
            for (var k = 0; k < Errors.Length; k++)
                Errors[k] += part.Errors[k] / rows;
            Auxiliary += part.Auxiliary / rows * (auxiliary?.Scale ?? 0);
            for (var i = 0; i < BiasGradient.Length; i++)
                BiasGradient[i] += part.Bias[i];
        }
    }

    /// <summary>Sums over a few rows, and room for one row.</summary>
    private sealed class Part(int outputs, int prefixes)
    {
        public readonly float[] Bias = new float[outputs];
        public readonly double[] Errors = new double[prefixes];
        public double Auxiliary;
        private int[] _rows = new int[64];
        private float[] _factors = new float[64];

        /// <summary>Room for a row's features.</summary>
        public (int[] Rows, float[] Factors) Room(int count)
        {
            if (_rows.Length < count)
                (_rows, _factors) = (new int[2 * count], new float[2 * count]);
            return (_rows, _factors);
        }
    }

    private readonly struct Job(
        DecoderPass pass,
        MatrixView y,
        EntryRows found,
        FeatureRule rule,
        AuxiliaryCode? auxiliary,
        (double Main, double Auxiliary) weights,
        MatrixView? reconstruction
    ) : IJob
    {
        public void Run(int index)
        {
            var part = pass._parts[index];
            Array.Clear(part.Bias);
            Array.Clear(part.Errors);
            part.Auxiliary = 0;
            var (first, end) = (index * RowsPerPart, Math.Min(y.Rows, (index + 1) * RowsPerPart));
            Decode(part, first, end);
            for (var row = first; row < end; row++)
                Gradients(part, row);
        }

        // ŷ grows in the last matrix; the others receive the error as it stands after their prefix.
        private void Decode(Part part, int first, int end)
        {
            var (last, entries) = (pass._gradients.Length - 1, 0L);
            Span<int> at = stackalloc int[RowsPerPart];
            at.Clear();
            for (var row = first; row < end; row++)
            {
                var sum = pass._gradients[last]!.Row(row);
                pass._parameters.DecoderBias.Values.AsSpan().CopyTo(sum);
                if (pass._skipped is { } skipped)
                    TensorPrimitives.Add(sum, skipped.Row(row), sum);
                entries += found[row].Count;
            }
            var features = (int)Math.Max(1, pass._shape.Features / (1 + entries / (EntriesAtOnce * (end - first))));
            for (int k = 0, begin = 0; k <= last; begin = pass.Prefixes[k++])
            {
                for (var next = begin; next < pass.Prefixes[k]; )
                {
                    next = Math.Min(pass.Prefixes[k], next + features);
                    for (var row = first; row < end; row++)
                        at[row - first] = AddFeatures(part, found[row], at[row - first], next, rule, pass._gradients[last]!.Row(row));
                }
                for (var row = first; row < end; row++)
                    Error(part, row, k, k == last);
            }
        }

        private void Error(Part part, int row, int k, bool isLast)
        {
            var sum = pass._gradients[^1]!.Row(row);
            if (isLast && reconstruction is { } wanted)
                sum.CopyTo(wanted.Row(row));
            var error = pass._gradients[k]!.Row(row);
            TensorPrimitives.Subtract(sum, y.Row(row), error);
            part.Errors[k] += TensorPrimitives.SumOfSquares<float>(error);
        }

        private void Gradients(Part part, int row)
        {
            var last = pass._gradients.Length - 1;
            if (auxiliary is not null)
                Auxiliary(part, row, pass._gradients[last]!.Row(row));
            for (var k = last - 1; k >= 0; k--)
            {
                var gradient = pass._gradients[k]!.Row(row);
                TensorPrimitives.Add(gradient, pass._gradients[k + 1]!.Row(row), gradient);
            }
            var scale = (float)(weights.Main * 2 / y.Rows / (last + 1));
            for (var k = 0; k <= last; k++)
                TensorPrimitives.Multiply(pass._gradients[k]!.Row(row), scale, pass._gradients[k]!.Row(row));
            TensorPrimitives.Add(part.Bias, pass._gradients[0]!.Row(row), part.Bias);
        }

        // The error of the full reconstruction is what is left over, with the other sign.
        private void Auxiliary(Part part, int row, ReadOnlySpan<float> error)
        {
            var sum = pass._auxiliaryGradient!.Row(row);
            if (auxiliary!.OfResidual)
                error.CopyTo(sum);
            else
                TensorPrimitives.Subtract(pass._parameters.DecoderBias.Values.AsSpan(), y.Row(row), sum);
            AddFeatures(part, auxiliary.Rows[row], 0, pass._shape.Features, null, sum);
            part.Auxiliary += TensorPrimitives.SumOfSquares<float>(sum);
            TensorPrimitives.Multiply(sum, (float)(weights.Auxiliary * auxiliary.Weight * auxiliary.Scale * 2 / y.Rows), sum);
        }

        /// <summary>sum += f · W_dec over the entries from one on, up to a feature.</summary>
        /// <returns>The first entry that was left out.</returns>
        private int AddFeatures(Part part, EntryRow entries, int at, int end, FeatureRule? values, Span<float> sum)
        {
            var features = entries.Features;
            var z = entries.Z;
            var (rows, factors) = part.Room(features.Length);
            for (var l = 0; l < pass._shape.Blocks.Count && at < features.Length; l++)
            {
                var (count, start, blockEnd) = (0, pass._blockStarts[l], Math.Min(end, pass._blockStarts[l + 1]));
                for (; at < features.Length && features[at] < blockEnd; at++)
                {
                    var f = values is null ? z[at] : values.Value(features[at], z[at]);
                    if (f == 0)
                        continue;
                    (rows[count], factors[count]) = (features[at] - start, f);
                    count++;
                }
                if (count == 0)
                    continue;
                var (block, decoder) = (pass._shape.Blocks[l], pass._parameters.Decoder[l].Values);
                EntryKernels.Add(
                    decoder.Floats,
                    decoder.Columns,
                    rows.AsSpan(0, count),
                    factors.AsSpan(0, count),
                    sum.Slice(block.OutputStart, block.OutputWidth)
                );
            }
            return at;
        }
    }
}

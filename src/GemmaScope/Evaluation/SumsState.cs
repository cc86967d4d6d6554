using System.Runtime.InteropServices;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// Walks through sums to save or to restore them, so that each kind of sums names its numbers once for both. All are kept as f64,
/// which holds counts up to 2^53 exactly.
/// </summary>
internal abstract class SumsState
{
    private string _prefix = "";

    public void Within(string name, Action<SumsState> part)
    {
        var outer = _prefix;
        _prefix += name + ".";
        part(this);
        _prefix = outer;
    }

    /// <summary>A list whose length is part of the state.</summary>
    public void List(string name, long count, Func<int, Action<SumsState>> part)
    {
        Count($"{name}s", ref count);
        for (var i = 0; i < count; i++)
            Within($"{name}.{i}", part(i));
    }

    public void Numbers(string name, double[] values) => Transfer(_prefix + name, values);

    public void Number(string name, ref double value)
    {
        double[] one = [value];
        Numbers(name, one);
        value = one[0];
    }

    public void Count(string name, ref long value)
    {
        double number = value;
        Number(name, ref number);
        value = (long)number;
    }

    public void Counts(string name, long[] values)
    {
        double[] numbers = [.. values.Select(value => (double)value)];
        Numbers(name, numbers);
        for (var i = 0; i < values.Length; i++)
            values[i] = (long)numbers[i];
    }

    public void Floats(string name, float[] values)
    {
        double[] numbers = [.. values.Select(value => (double)value)];
        Numbers(name, numbers);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)numbers[i];
    }

    /// <summary>Takes the values, or overwrites them.</summary>
    protected abstract void Transfer(string name, double[] values);

    /// <summary>Collects the tensors of a file.</summary>
    public sealed class Saving : SumsState
    {
        public List<TensorSource> Tensors { get; } = [];

        protected override void Transfer(string name, double[] values)
        {
            var copy = values.ToArray();
            Tensors.Add(new TensorSource(name, DType.F64, [copy.Length], stream => stream.Write(MemoryMarshal.AsBytes<double>(copy))));
        }
    }

    /// <summary>Reads them back.</summary>
    public sealed class Restoring(SafetensorsFile file) : SumsState
    {
        protected override unsafe void Transfer(string name, double[] values)
        {
            var tensor = file[name];
            if (tensor.Type != DType.F64 || tensor.Length != values.Length)
                throw new FileFormatException(
                    $"the tensor '{name}' is {tensor} where F64[{values.Length}] is needed; the state belongs to another evaluation",
                    file.Path
                );
            fixed (double* target = values)
                Buffer.MemoryCopy(tensor.Pointer, target, tensor.ByteLength, tensor.ByteLength);
        }
    }
}

using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>64-bit counters in memory that a checkpoint can store.</summary>
internal sealed unsafe class Counters(string name, long count) : IDisposable
{
    private readonly Tensor _tensor = Tensor.Allocate(DType.I64, [count]);

    public (string Name, Tensor Tensor) State => (name, _tensor);

    public long Count => _tensor.Length;

    public ref long this[long index] => ref ((long*)_tensor.Pointer)[index];

    public void Dispose() => _tensor.Dispose();
}

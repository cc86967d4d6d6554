using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>A trained tensor with the moments that Adam keeps of its gradient.</summary>
internal sealed class Parameter : IDisposable
{
    /// <param name="name">Name in a checkpoint.</param>
    /// <param name="moments">0: none, 1: of the square only, 2: both.</param>
    /// <param name="shape">Dimensions.</param>
    public Parameter(string name, int moments, params ReadOnlySpan<long> shape)
    {
        (Name, Values) = (name, Tensor.Zeros(shape));
        if (moments > 0)
            Second = Tensor.Zeros(shape);
        if (moments > 1)
            First = Tensor.Zeros(shape);
    }

    public string Name { get; }

    public Tensor Values { get; }

    /// <summary>Running mean of the squared gradient.</summary>
    public Tensor? Second { get; }

    /// <summary>Running mean of the gradient; null while β1 is 0, because it is the gradient then.</summary>
    public Tensor? First { get; }

    public IEnumerable<(string Name, Tensor Tensor)> State()
    {
        yield return (Name, Values);
        if (Second is not null)
            yield return ($"adam.second.{Name}", Second);
        if (First is not null)
            yield return ($"adam.first.{Name}", First);
    }

    public void Dispose()
    {
        Values.Dispose();
        Second?.Dispose();
        First?.Dispose();
    }
}

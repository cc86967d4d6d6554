using System.Runtime.CompilerServices;

namespace GemmaScope.Dictionaries;

/// <summary>The decoder vectors as the inner loops read them, from some column on.</summary>
/// <param name="First">Where the vector of feature 0 begins.</param>
/// <param name="Stride">Bytes between the starts of consecutive vectors.</param>
/// <param name="Offset">Index of the block's first feature.</param>
/// <param name="Scale">A factor of each feature, or null.</param>
internal readonly unsafe record struct DecoderView(nint First, long Stride, int Offset, float[]? Scale)
{
    /// <summary>The same so many bytes to the right.</summary>
    public DecoderView From(long bytes) => this with { First = First + (nint)bytes };

    /// <summary>A feature's vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Row(int feature) => (byte*)First + (feature - Offset) * Stride;

    /// <summary>A feature's factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ScaleOf(int feature) => Scale is null ? 1 : Scale[feature - Offset];
}

using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>How many bits a number has in a model's light form.</summary>
public enum LightWeights
{
    /// <summary>8 bits: <see cref="DType.Q8_0"/>, 8.5 bits a weight with the scales.</summary>
    Int8,

    /// <summary>4 bits: <see cref="DType.IQ4_NL"/>, 4.5 bits a weight with the scales.</summary>
    Int4,
}

/// <summary>What a light form has become.</summary>
/// <param name="Type">The block type of the matrices.</param>
/// <param name="Matrices">Matrices that were quantised.</param>
/// <param name="Kept">Matrices of layers that were kept as they are, because their rows are no whole blocks.</param>
/// <param name="BytesBefore">Bytes of the weights it was made from.</param>
/// <param name="Bytes">Bytes of its own weights.</param>
/// <param name="Error">Root of the mean square error of the quantised weights, relative to that of the weights themselves.</param>
public sealed record LightModelResult(DType Type, int Matrices, int Kept, long BytesBefore, long Bytes, double Error);

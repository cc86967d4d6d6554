using GemmaScope.Numerics;

namespace GemmaScope.Tests.Numerics;

/// <summary>Tensors of block types: any bytes are a block, as long as its scales are finite.</summary>
internal static unsafe class RandomBlocks
{
    public static DType[] Types { get; } = [.. Enum.GetValues<DType>().Where(type => type.IsBlockType())];

    public static Tensor Tensor(DType type, int rows, int columns, int seed = 1)
    {
        var tensor = GemmaScope.Numerics.Tensor.Allocate(type, [rows, columns]);
        var bytes = new Span<byte>(tensor.Pointer, (int)tensor.ByteLength);
        new Random(seed).NextBytes(bytes);
        for (var block = 0; block < bytes.Length; block += type.BlockBytes())
            foreach (var scale in Scales(type))
                BitConverter.TryWriteBytes(bytes[(block + scale)..], (Half)(0.01 + 0.001 * (block % 7)));
        return tensor;
    }

    /// <summary>Where the binary16 numbers of a block stand.</summary>
    private static int[] Scales(DType type) =>
        type switch
        {
            DType.Q4_1 or DType.Q5_1 or DType.Q4_K or DType.Q5_K => [0, 2],
            DType.Q2_K => [80, 82],
            DType.Q3_K => [108],
            DType.Q6_K => [208],
            _ => [0],
        };
}

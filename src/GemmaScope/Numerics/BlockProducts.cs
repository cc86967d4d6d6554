namespace GemmaScope.Numerics;

/// <summary>Which kernel multiplies weights of a block type: dot products of stored rows for one or a few rows of x, else the packed
/// product, which widens a panel of weights at a time. No wide copy of the weights is made.</summary>
internal static class BlockProducts
{
    /// <summary>From this many rows of x on, a panel that is widened once for all of them is quicker than a dot product for each.</summary>
    private const int PackedRows = 4;

    public static void Multiply(VectorWidth width, MatrixView x, WeightView w, MatrixView y, bool round, bool here) =>
        BlockWidening.Run(width, w.Type, new Call(x, w, y, round, here));

    private readonly struct Call(MatrixView x, WeightView w, MatrixView y, bool round, bool here) : IBlockCall
    {
        public void Run<T, TSimd, TBlock>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TBlock : IBlockFormat
        {
            if (x.Rows < PackedRows && w.Layout == WeightLayout.OutIn)
                BlockRowKernel<T, TSimd, TBlock>.Multiply(x, w, y, here);
            else
                PackedKernel<T, TSimd, F32Weights>.Multiply(x, w, y, round, here);
        }
    }
}

namespace GemmaScope.Activations;

/// <summary>
/// The order in which the rows of a bucket are read in an epoch. They were shuffled when they were written, but once: each epoch needs an
/// order of its own, also where there is one bucket alone. Rows picked one by one would be small reads, so pieces of neighbouring rows are
/// read in a random order, and the rows of some pieces together are mixed in memory. A bucket of one group is mixed as a whole.
/// </summary>
internal sealed class ReadingOrder
{
    /// <summary>Rows that are read at once.</summary>
    public const int PieceRows = 128;

    /// <summary>Rows that are mixed in memory.</summary>
    public const int GroupRows = 8 * PieceRows;

    private const int PiecesPerGroup = GroupRows / PieceRows;

    private readonly int _rows;
    private readonly int[] _pieces;
    private readonly long _seed,
        _epoch,
        _bucket;

    /// <summary>The order of a bucket in an epoch.</summary>
    public ReadingOrder(int rows, long seed, long epoch, long bucket)
    {
        (_rows, _seed, _epoch, _bucket) = (rows, seed, epoch, bucket);
        _pieces = Shuffle.Permutation((rows + PieceRows - 1) / PieceRows, seed, epoch, bucket);
    }

    /// <summary>Number of groups.</summary>
    public int Groups => (_pieces.Length + PiecesPerGroup - 1) / PiecesPerGroup;

    /// <summary>First row and number of rows of each piece of a group.</summary>
    public IEnumerable<(int First, int Rows)> Pieces(int group) =>
        _pieces
            .Skip(group * PiecesPerGroup)
            .Take(PiecesPerGroup)
            .Select(piece => (piece * PieceRows, Math.Min(PieceRows, _rows - piece * PieceRows)));

    /// <summary>Rows of a group.</summary>
    public int RowsOf(int group) => Pieces(group).Sum(piece => piece.Rows);

    /// <summary>The order in which the rows of a group are handed out, once its pieces lie behind each other.</summary>
    public int[] Mixed(int group) => Shuffle.Permutation(RowsOf(group), _seed, _epoch, _bucket, group);
}

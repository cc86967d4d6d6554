using System.Globalization;

namespace GemmaScope.Text;

/// <summary>What a piece is; the numbers are those of the SentencePiece file format.</summary>
internal enum PieceKind : byte
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>The pieces of a tokenizer by id and by text.</summary>
internal sealed class Vocabulary
{
    /// <summary>U+2581, the visible stand-in for a space inside pieces.</summary>
    public const char SpaceMark = '\u2581';

    private readonly string[] _pieces;
    private readonly PieceKind[] _kinds;
    private readonly Dictionary<string, int> _ids;
    private readonly byte[] _bytes;

    /// <param name="pieces">The pieces by id.</param>
    /// <param name="kinds">Their kinds by id.</param>
    /// <param name="ids">The id of each piece.</param>
    /// <param name="file">The file they come from, for errors.</param>
    public Vocabulary(string[] pieces, PieceKind[] kinds, Dictionary<string, int> ids, string file)
    {
        (_pieces, _kinds, _ids) = (pieces, kinds, ids);
        ByteIds = new int[256];
        ByteIds.AsSpan().Fill(-1);
        _bytes = new byte[pieces.Length];
        for (var id = 0; id < pieces.Length; id++)
        {
            if (kinds[id] != PieceKind.Byte)
                continue;
            if (!TryParseByte(pieces[id], out var value))
                throw new FileFormatException(
                    $"piece {id} is marked as a byte but reads \"{pieces[id]}\" instead of <0x00> … <0xFF>; get the file again",
                    file
                );
            ByteIds[value] = id;
            _bytes[id] = value;
        }
    }

    public int Count => _pieces.Length;

    /// <summary>The id of each byte's piece, -1 where it has none.</summary>
    public int[] ByteIds { get; }

    public string Piece(int id) => _pieces[id];

    public PieceKind Kind(int id) => _kinds[id];

    /// <summary>The value of a piece of kind <see cref="PieceKind.Byte"/>.</summary>
    public byte ByteOf(int id) => _bytes[id];

    public int? Id(string piece) => _ids.TryGetValue(piece, out var id) ? id : null;

    public Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Lookup => _ids.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a piece is written as a byte, <c>&lt;0x41&gt;</c>.</summary>
    public static bool TryParseByte(string piece, out byte value)
    {
        value = 0;
        return piece.Length == 6
            && piece.StartsWith("<0x", StringComparison.Ordinal)
            && piece[5] == '>'
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}

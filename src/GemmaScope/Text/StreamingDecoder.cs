using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace GemmaScope.Text;

/// <summary>What the two file formats decode differently.</summary>
internal sealed record DecodingRules
{
    /// <summary>A run of byte pieces is UTF-8 as a whole or not at all (tokenizer.json), rather than character by character
    /// (SentencePiece).</summary>
    public bool BytesStandTogether { get; init; }

    /// <summary>Control pieces have no text.</summary>
    public bool ControlIsSilent { get; init; }

    /// <summary>The text of the unknown piece; null: the piece itself.</summary>
    public string? UnknownSurface { get; init; }

    /// <summary>The space that normalisation put, or would have removed, at the very beginning is left out.</summary>
    public bool TrimFirstSpace { get; init; }

    /// <summary>So are those of the following pieces as long as nothing else has been written.</summary>
    public bool TrimAllFirstSpaces { get; init; }
}

/// <summary>
/// Decodes id by id. What <see cref="Append(int)"/> and <see cref="Flush()"/> return is final: joined, it is exactly
/// what <see cref="Tokenizer.Decode"/> gives for all ids. Bytes are held back until their characters are certain.
/// </summary>
public sealed class StreamingDecoder
{
    private const char Replacement = '\uFFFD';

    private readonly Tokenizer _tokenizer;
    private readonly DecodingRules _rules;
    private readonly bool _skipSpecial;
    private readonly List<byte> _bytes = [];
    private bool _atStart = true,
        _trimmed,
        _wrote;

    internal StreamingDecoder(Tokenizer tokenizer, DecodingRules rules, bool skipSpecial) =>
        (_tokenizer, _rules, _skipSpecial) = (tokenizer, rules, skipSpecial);

    /// <summary>Takes the next id and returns the text that is now certain, often that of this id, possibly none.</summary>
    /// <exception cref="ArgumentProblemException">The id is outside the vocabulary.</exception>
    public string Append(int id)
    {
        var text = new StringBuilder();
        Append(id, text);
        return text.ToString();
    }

    /// <summary>Ends the text and returns what was held back; bytes that are no character become U+FFFD. The decoder starts anew.</summary>
    public string Flush()
    {
        var text = new StringBuilder();
        Flush(text);
        return text.ToString();
    }

    internal void Append(int id, StringBuilder output)
    {
        var piece = _tokenizer.Piece(id);
        var kind = _tokenizer.Vocabulary.Kind(id);
        if (kind == PieceKind.Byte)
        {
            _bytes.Add(_tokenizer.Vocabulary.ByteOf(id));
            if (!_rules.BytesStandTogether)
                WriteWholeCharacters(output);
            return;
        }
        var special = kind is PieceKind.Control or PieceKind.Unknown;
        // A skipped token is as if it had not been there; a silent one still ends a run of bytes.
        if (special && _skipSpecial && !_rules.ControlIsSilent)
            return;
        EndBytes(output);
        if (_trimmed || _wrote)
            _atStart = false;
        _trimmed = false;
        if (special && _skipSpecial)
            return;
        Write(Surface(piece, kind), output);
    }

    internal void Flush(StringBuilder output)
    {
        EndBytes(output);
        (_atStart, _trimmed, _wrote) = (true, false, false);
    }

    private ReadOnlySpan<char> Surface(string piece, PieceKind kind)
    {
        if (kind == PieceKind.Control && _rules.ControlIsSilent)
            return "";
        if (kind == PieceKind.Unknown && _rules.UnknownSurface is { } surface)
            return surface;
        if (!_atStart || !_rules.TrimFirstSpace || piece[0] != Vocabulary.SpaceMark)
            return piece;
        _trimmed = !_rules.TrimAllFirstSpaces;
        return piece.AsSpan(1);
    }

    private void Write(ReadOnlySpan<char> text, StringBuilder output)
    {
        var start = output.Length;
        output.Append(text).Replace(Vocabulary.SpaceMark, ' ', start, text.Length);
        _wrote |= text.Length > 0;
    }

    private void WriteWholeCharacters(StringBuilder output)
    {
        while (_bytes.Count > 0)
        {
            var status = Rune.DecodeFromUtf8(CollectionsMarshal.AsSpan(_bytes), out var rune, out var consumed);
            if (status == OperationStatus.NeedMoreData)
                return;
            // Of what is not UTF-8, one byte at a time is replaced.
            if (status == OperationStatus.Done)
                output.Append(rune.ToString());
            else
                output.Append(Replacement);
            _bytes.RemoveRange(0, status == OperationStatus.Done ? consumed : 1);
            _wrote = true;
        }
    }

    private void EndBytes(StringBuilder output)
    {
        if (_bytes.Count == 0)
            return;
        var bytes = CollectionsMarshal.AsSpan(_bytes);
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            output.Append(Encoding.UTF8.GetString(bytes));
        else
            output.Append(Replacement, bytes.Length);
        _bytes.Clear();
        _wrote = true;
    }
}

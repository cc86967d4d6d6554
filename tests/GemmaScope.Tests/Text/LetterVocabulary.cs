using System.Text;

namespace GemmaScope.Tests.Text;

/// <summary>A <c>tokenizer.model</c> of printable ASCII, a token for each character, for models whose tables are too small for any other: the
/// networks with random weights.</summary>
internal static class LetterVocabulary
{
    private const int Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4;

    /// <summary>Writes it into a model's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="rows">Rows of the model's table, 100 or more; what the letters leave over are tokens that no text has.</param>
    public static void Write(string folder, int rows)
    {
        var pieces = new List<(string Text, int Kind)> { ("<pad>", Control), ("<eos>", Control), ("<bos>", Control), ("<unk>", Unknown) };
        pieces.Add(("▁", Normal));
        pieces.AddRange(Enumerable.Range('!', '~' - '!' + 1).Select(letter => ($"{(char)letter}", Normal)));
        while (pieces.Count < rows)
            pieces.Add(($"<unused{pieces.Count}>", UserDefined));
        using var file = new MemoryStream();
        foreach (var (text, kind) in pieces)
            Bytes(file, 1, [.. Text(1, text), .. Number(3, kind)]);
        // BPE; the ids of the first four, and their names.
        Bytes(
            file,
            2,
            [
                .. Number(3, 2),
                .. Number(40, 3),
                .. Number(41, 2),
                .. Number(42, 1),
                .. Number(43, 0),
                .. Text(46, "<bos>"),
                .. Text(47, "<eos>"),
                .. Text(48, "<pad>"),
            ]
        );
        Bytes(file, 3, [.. Number(3, 0), .. Number(4, 0)]);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), file.ToArray());
    }

    private static byte[] Text(int field, string text)
    {
        using var stream = new MemoryStream();
        Bytes(stream, field, Encoding.UTF8.GetBytes(text));
        return stream.ToArray();
    }

    private static void Bytes(MemoryStream stream, int field, byte[] bytes) =>
        stream.Write([.. Varint((field << 3) | 2), .. Varint(bytes.Length), .. bytes]);

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value > 127; value >>= 7)
            yield return (byte)(value & 127 | 128);
        yield return (byte)value;
    }
}

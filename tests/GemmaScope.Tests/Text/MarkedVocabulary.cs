using System.Text;

namespace GemmaScope.Tests.Text;

/// <summary>The demo model's vocabulary with marks in the places of its last pieces, for models that think or call tools.</summary>
internal static class MarkedVocabulary
{
    private const byte Piece = 0x0A,
        TypeField = 0x18,
        UserDefined = 4;

    /// <summary>The marks of thoughts.</summary>
    public static readonly string[] Thoughts = ["<|channel>", "<channel|>"];

    /// <summary>Writes a <c>tokenizer.model</c>.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="marks">The marks.</param>
    public static void Write(string folder, params string[] marks)
    {
        var model = File.ReadAllBytes(Fixtures.Model("demo-it", "tokenizer.model"));
        var pieces = new List<ReadOnlyMemory<byte>>();
        var at = 0;
        while (model[at] == Piece)
        {
            var start = at++;
            var length = Number(model, ref at);
            at += length;
            pieces.Add(model.AsMemory(start..at));
        }
        using var stream = File.Create(Path.Combine(folder, "tokenizer.model"));
        foreach (var piece in pieces.SkipLast(marks.Length).Concat(marks.Select(Mark)))
            stream.Write(piece.Span);
        stream.Write(model.AsSpan(at..));
    }

    /// <summary>A piece with its text and its kind.</summary>
    private static ReadOnlyMemory<byte> Mark(string mark)
    {
        var text = Encoding.UTF8.GetBytes(mark);
        byte[] inner = [Piece, (byte)text.Length, .. text, TypeField, UserDefined];
        return (byte[])[Piece, (byte)inner.Length, .. inner];
    }

    private static int Number(byte[] bytes, ref int at)
    {
        var (number, shift) = (0, 0);
        while (true)
        {
            var one = bytes[at++];
            number |= (one & 0x7F) << shift;
            if (one < 0x80)
                return number;
            shift += 7;
        }
    }
}

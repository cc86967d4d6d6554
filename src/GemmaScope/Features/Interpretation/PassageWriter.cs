using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using GemmaScope.Text;

namespace GemmaScope.Features.Interpretation;

/// <summary>
/// Writes passages for a reader of text: one line each, marked tokens between &lt;&lt; and &gt;&gt;. Bytes of a character that is not
/// whole, or only partly marked, stay
/// named (&lt;0xE2&gt;). Nothing in a passage can end the reader's turn: what looks like a marker of a chat form gets other brackets.
/// </summary>
/// <param name="tokenizer">The tokenizer of the passages.</param>
public sealed partial class PassageWriter(Tokenizer tokenizer)
{
    private const string Open = "<<",
        Close = ">>",
        Unknown = "[?]";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text of a passage.</summary>
    /// <param name="tokens">Token ids; those below 0 are unknown words.</param>
    /// <param name="marks">Which of them are marked; null for none.</param>
    public string Write(IReadOnlyList<int> tokens, IReadOnlyList<bool>? marks = null)
    {
        var text = new StringBuilder();
        for (int start = 0, end; start < tokens.Count; start = end)
        {
            var marked = marks?[start] ?? false;
            for (end = start + 1; end < tokens.Count && (marks?[end] ?? false) == marked; )
                end++;
            var part = Harmless(Plain([.. tokens.Skip(start).Take(end - start)]));
            // A mark stands at the word, not at the space before it.
            text.Append(marked ? $"{part[..^part.TrimStart().Length]}{Open}{part.TrimStart()}{Close}" : part);
        }
        return text.ToString().Trim();
    }

    /// <summary>A token in quotes.</summary>
    public string Quoted(int token) => $"\"{Harmless(Plain([token]))}\"";

    private string Plain(int[] tokens)
    {
        var text = new StringBuilder();
        for (int start = 0, end; start < tokens.Length; start = end)
        {
            end = start + 1;
            if (ByteOf(tokens[start]) is null)
            {
                text.Append(tokens[start] < 0 ? Unknown : tokenizer.Display(tokens[start]));
                continue;
            }
            while (end < tokens.Length && ByteOf(tokens[end]) is not null)
                end++;
            text.Append(Characters(tokens[start..end]));
        }
        return text.ToString();
    }

    private string Characters(int[] bytes)
    {
        try
        {
            var text = Strict.GetString([.. bytes.Select(id => ByteOf(id)!.Value)]);
            if (!text.Any(char.IsControl))
                return text;
        }
        catch (DecoderFallbackException)
        {
            // Not whole: the bytes are named.
        }
        return string.Concat(bytes.Select(tokenizer.Display));
    }

    private byte? ByteOf(int token) =>
        token >= 0
        && tokenizer.Piece(token) is ['<', '0', 'x', var high, var low, '>']
        && byte.TryParse([high, low], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    private static string Harmless(string text) =>
        Marker()
            .Replace(text, found => $"‹{found.Value.Trim('<', '>', '[', ']')}›")
            .Replace(Open, "< <", StringComparison.Ordinal)
            .Replace(Close, "> >", StringComparison.Ordinal);

    [GeneratedRegex(@"<\|[^<>\s]{1,40}\|>|</?(?:[a-z]+_[a-z_]+|bos|eos|pad|unk|s)>|\[/?[A-Z]{3,20}\]", RegexOptions.CultureInvariant)]
    private static partial Regex Marker();
}

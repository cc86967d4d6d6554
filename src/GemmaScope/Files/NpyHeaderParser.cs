using System.Globalization;

namespace GemmaScope.Files;

/// <summary>
/// Reads the one Python literal an npy header may hold: a dictionary with the keys descr (a string), fortran_order
/// (True or False) and shape (a tuple of integers).
/// </summary>
internal sealed class NpyHeaderParser(string text, string what, string file)
{
    private int _at;

    public NpyHeader Parse(int dataOffset)
    {
        string? description = null;
        bool? fortranOrder = null;
        long[]? shape = null;
        Expect('{');
        while (!Take('}'))
        {
            var key = ParseString();
            Expect(':');
            switch (key)
            {
                case "descr" when description is null:
                    description = ParseDescription();
                    break;
                case "fortran_order" when fortranOrder is null:
                    fortranOrder = ParseFlag();
                    break;
                case "shape" when shape is null:
                    shape = ParseTuple();
                    break;
                default:
                    throw Bad($"the key '{key}' is unknown or given twice");
            }
            if (!Take(',') && Peek() != '}')
                throw Bad("a comma is missing");
        }
        if (Peek() != '\0')
            throw Bad("something follows the dictionary");
        if (description is null || fortranOrder is null || shape is null)
            throw Bad("descr, fortran_order and shape are needed");
        return new NpyHeader(NpyType.Parse(description, what, file), fortranOrder.Value, shape, dataOffset);
    }

    private string ParseDescription() =>
        Peek() is '[' or '{' or '('
            ? throw new FileFormatException($"{what} has a structured dtype (several fields per element), which is not supported", file)
            : ParseString();

    private string ParseString()
    {
        var quote = Peek();
        if (quote is not ('\'' or '"'))
            throw Bad("a quoted name is needed");
        var end = text.IndexOf(quote, _at + 1);
        if (end < 0)
            throw Bad("a quote is not closed");
        var value = text[(_at + 1)..end];
        _at = end + 1;
        return value;
    }

    private bool ParseFlag()
    {
        var word = TakeWhile(char.IsAsciiLetter);
        return word switch
        {
            "True" => true,
            "False" => false,
            _ => throw Bad($"fortran_order must be True or False, found '{word}'"),
        };
    }

    private long[] ParseTuple()
    {
        var values = new List<long>();
        Expect('(');
        while (!Take(')'))
        {
            var word = TakeWhile(c => char.IsAsciiDigit(c) || c == '-');
            if (!long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
                throw Bad($"'{word}' is no dimension");
            if (value < 0)
                throw Bad($"a dimension is negative ({value})");
            values.Add(value);
            Take('L'); // Python 2 wrote long integers so
            if (!Take(',') && Peek() != ')')
                throw Bad("a comma is missing in the shape");
        }
        return [.. values];
    }

    private string TakeWhile(Func<char, bool> wanted)
    {
        Peek();
        var start = _at;
        while (_at < text.Length && wanted(text[_at]))
            _at++;
        return text[start.._at];
    }

    private void Expect(char c)
    {
        if (!Take(c))
            throw Bad($"'{c}' is missing");
    }

    private bool Take(char c)
    {
        if (Peek() != c)
            return false;
        _at++;
        return true;
    }

    /// <summary>The next character that is not white space, not yet taken; '\0' at the end.</summary>
    private char Peek()
    {
        while (_at < text.Length && text[_at] is ' ' or '\n' or '\t' or '\r')
            _at++;
        return _at < text.Length ? text[_at] : '\0';
    }

    private FileFormatException Bad(string problem) => new($"{what} has a malformed npy header: {problem}", file);
}

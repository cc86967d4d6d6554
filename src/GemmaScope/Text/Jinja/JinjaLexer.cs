using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using static GemmaScope.Text.Jinja.JinjaTokenKind;

namespace GemmaScope.Text.Jinja;

/// <summary>
/// Cuts a template into tokens, with the white space around tags as transformers sets it: <c>trim_blocks</c> and <c>lstrip_blocks</c> are
/// on, and one line break at the very end is left out.
/// </summary>
internal sealed partial class JinjaLexer
{
    // The longest first.
    private static readonly string[] Operators =
    [
        .. (string[])["**", "//", "==", "!=", ">=", "<="],
        .. "+-/*%~[](){}><=.:|,;".Select(c => c.ToString()),
    ];

    /// <summary>Tokens of one tag: what stands in a row there is nested when it is read.</summary>
    private const int MostParts = 5000;

    private readonly string _source;
    private readonly List<JinjaToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _lineStarts = true;

    private JinjaLexer(string source) => _source = source;

    public static List<JinjaToken> Cut(string source)
    {
        source = source.Replace("\r\n", "\n").Replace('\r', '\n');
        var lexer = new JinjaLexer(source.EndsWith('\n') ? source[..^1] : source);
        while (lexer._at < lexer._source.Length)
            lexer.CutTextAndTag();
        lexer.Add(End, "");
        return lexer._tokens;
    }

    private void CutTextAndTag()
    {
        var tag = NextTag();
        if (tag < 0)
        {
            AddData(_source[_at..]);
            return;
        }
        var (kind, text) = (_source[tag + 1], _source[_at..tag]);
        var sign = tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? _source[tag + 2] : ' ';
        var end = tag + (sign == ' ' ? 2 : 3);
        AddData(Before(text, sign, kind), text);
        _at = end;
        if (kind == '#')
        {
            SkipComment();
            return;
        }
        if (kind == '%' && Raw())
            return;
        Add(kind == '%' ? BlockBegin : PrintBegin, "");
        CutExpression(kind);
    }

    private int NextTag()
    {
        for (var at = _at; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
            if (_source[at + 1] is '%' or '{' or '#')
                return at;
        return -1;
    }

    /// <summary>The text before a tag without the white space that the tag takes away.</summary>
    private string Before(string text, char sign, char kind)
    {
        if (sign == '-')
            return PythonText.StripEnd(text);
        if (sign == '+' || kind == '{')
            return text;
        var line = text.LastIndexOf('\n') + 1;
        return (line > 0 || _lineStarts) && line < text.Length && PythonText.Strip(text[line..]).Length == 0 ? text[..line] : text;
    }

    /// <summary>Takes what closes a tag, and the white space behind it that goes with it.</summary>
    /// <param name="kind">% } or #, which stands before or is the bracket.</param>
    private bool Closes(char kind)
    {
        var at = _at;
        var sign = _source[at];
        if (sign is '-' or '+' && (sign == '-' || kind != '}'))
            at++;
        else
            sign = ' ';
        if (at + 1 >= _source.Length || _source[at] != kind || _source[at + 1] != '}')
            return false;
        at += 2;
        if (sign == '-')
            while (at < _source.Length && PythonText.IsSpace(_source[at]))
                at++;
        else if (sign == ' ' && kind != '}' && at < _source.Length && _source[at] == '\n')
            at++;
        Advance(at);
        _lineStarts = _source[at - 1] == '\n';
        return true;
    }

    private void SkipComment()
    {
        var first = _line;
        while (_at < _source.Length)
        {
            if (Closes('#'))
                return;
            Advance(_at + 1);
        }
        throw new JinjaProblem(first, "a comment {# has no end");
    }

    /// <summary>Takes <c>{% raw %} … {% endraw %}</c> as text.</summary>
    private bool Raw()
    {
        var begin = RawBegin().Match(_source, _at);
        if (!begin.Success)
            return false;
        Advance(begin.Index + begin.Length);
        Closes('%');
        var end = RawEnd().Match(_source, _at);
        if (!end.Success)
            throw new JinjaProblem(_line, "{% raw %} has no {% endraw %}");
        var text = _source[_at..end.Index];
        AddData(Before(text, end.Groups[1].ValueSpan is [var sign] ? sign : ' ', '%'), text);
        Advance(end.Index + end.Length);
        return Closes('%');
    }

    private void CutExpression(char kind)
    {
        var first = _line;
        var close = kind == '{' ? '}' : '%';
        var open = new Stack<char>();
        var parts = _tokens.Count + MostParts;
        while (true)
        {
            SkipSpace();
            if (_tokens.Count > parts)
                throw new JinjaProblem(first, $"a tag or expression of more than {MostParts} parts");
            if (_at >= _source.Length)
                throw new JinjaProblem(first, kind == '%' ? "a tag {% has no end" : "an expression {{ has no end");
            var line = _line;
            if (open.Count == 0 && Closes(close))
            {
                _tokens.Add(new(kind == '%' ? BlockEnd : PrintEnd, "", line));
                return;
            }
            CutOne(open);
        }
    }

    private void CutOne(Stack<char> open)
    {
        var c = _source[_at];
        if (char.IsAsciiDigit(c))
            CutNumber();
        else if (c is '\'' or '"')
            CutText(c);
        else if (c == '_' || char.IsLetter(c))
        {
            var end = _at;
            while (end < _source.Length && (_source[end] == '_' || char.IsLetterOrDigit(_source[end])))
                end++;
            Add(Name, _source[_at..end]);
            _at = end;
        }
        else
            CutOperator(open);
    }

    private void CutOperator(Stack<char> open)
    {
        var op =
            Array.Find(Operators, op => _source.AsSpan(_at).StartsWith(op, StringComparison.Ordinal))
            ?? throw new JinjaProblem(_line, $"the character '{_source[_at]}' has no meaning here");
        if (op is "(" or "[" or "{")
            open.Push(
                op == "(" ? ')'
                : op == "[" ? ']'
                : '}'
            );
        else if (op is ")" or "]" or "}" && (!open.TryPop(out var closing) || closing != op[0]))
            throw new JinjaProblem(_line, $"a '{op}' closes nothing");
        Add(Operator, op);
        _at += op.Length;
    }

    private void CutNumber()
    {
        var end = _at;
        var isWhole = true;
        Digits();
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            isWhole = false;
            end++;
            Digits();
        }
        var exponent = end < _source.Length && _source[end] is 'e' or 'E' ? end + 1 : 0;
        if (exponent > 0 && exponent < _source.Length && _source[exponent] is '+' or '-')
            exponent++;
        if (exponent > 0 && exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
        {
            isWhole = false;
            end = exponent;
            Digits();
        }
        if (end < _source.Length && (_source[end] == '_' || char.IsLetter(_source[end])))
            throw new JinjaProblem(_line, $"numbers such as {_source[_at..(end + 1)]} are not supported");
        Add(isWhole ? Integer : Number, _source[_at..end].Replace("_", ""));
        _at = end;

        void Digits()
        {
            while (
                end < _source.Length
                && (
                    char.IsAsciiDigit(_source[end])
                    || (_source[end] == '_' && end + 1 < _source.Length && char.IsAsciiDigit(_source[end + 1]))
                )
            )
                end++;
        }
    }

    private void CutText(char quote)
    {
        var line = _line;
        var text = new StringBuilder();
        for (var at = _at + 1; at < _source.Length; at++)
        {
            var c = _source[at];
            if (c == quote)
            {
                Advance(at + 1);
                _tokens.Add(new(JinjaTokenKind.Text, text.ToString(), line));
                return;
            }
            if (c == '\\' && at + 1 < _source.Length)
                at = Escape(text, at + 1);
            else
                text.Append(c);
        }
        throw new JinjaProblem(line, "a string has no end");
    }

    /// <summary>What a backslash and the characters from <paramref name="at"/> on stand for in Python; gives the last of them.</summary>
    private int Escape(StringBuilder text, int at)
    {
        const string letters = "ntr0abfv\\'\"\n",
            meanings = "\n\t\r\0\a\b\f\v\\'\"";
        var c = _source[at];
        if (c is 'x' or 'u' or 'U')
        {
            var length =
                c == 'x' ? 2
                : c == 'u' ? 4
                : 8;
            if (
                at + length >= _source.Length
                || !int.TryParse(_source.AsSpan(at + 1, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                || code is < 0 or > 0x10FFFF
            )
                throw new JinjaProblem(_line, $"the escape \\{c} is cut short");
            if (code <= char.MaxValue)
                text.Append((char)code);
            else
                text.Append(char.ConvertFromUtf32(code));
            return at + length;
        }
        if (c == 'N' || (char.IsAsciiDigit(c) && (c != '0' || (at + 1 < _source.Length && char.IsAsciiDigit(_source[at + 1])))))
            throw new JinjaProblem(_line, $"the escape \\{c} is not supported");
        var letter = letters.IndexOf(c, StringComparison.Ordinal);
        // A line that ends with a backslash goes on; one before another character is a backslash.
        if (letter < 0)
            text.Append('\\').Append(c);
        else if (letter < meanings.Length)
            text.Append(meanings[letter]);
        return at;
    }

    private void SkipSpace()
    {
        while (_at < _source.Length && PythonText.IsSpace(_source[_at]))
            Advance(_at + 1);
    }

    private void AddData(string text, string? taken = null)
    {
        if (text.Length > 0)
            Add(Data, text);
        taken ??= text;
        _line += taken.Count('\n');
        _at += taken.Length;
    }

    private void Add(JinjaTokenKind kind, string text) => _tokens.Add(new(kind, text, _line));

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    [GeneratedRegex(@"\G\s*raw\s*(?=[-+]?%\})")]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%([-+]?)\s*endraw\s*(?=[-+]?%\})")]
    private static partial Regex RawEnd();
}

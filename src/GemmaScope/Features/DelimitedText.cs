using System.Text;

namespace GemmaScope.Features;

/// <summary>Fields of one line of a table: quoted where they hold the separator, a doubled quote standing for one.</summary>
internal static class DelimitedText
{
    public static List<string> Fields(string line, char separator)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
                field.Append(line[i++]);
            else if (c == '"' && quoted)
                quoted = false;
            // A quote in the midst of a field is a letter of it: 6" nails.
            else if (c == '"' && field.ToString().AsSpan().IsWhiteSpace())
                quoted = true;
            else if (c == separator && !quoted)
                Next();
            else if (c != '\r')
                field.Append(c);
        }
        Next();
        return fields;

        void Next()
        {
            fields.Add(field.ToString().Trim());
            field.Clear();
        }
    }
}

namespace GemmaScope.Text.Jinja;

/// <summary>Kinds of <see cref="JinjaToken"/>.</summary>
internal enum JinjaTokenKind
{
    /// <summary>Text that is written as it stands.</summary>
    Data,

    /// <summary>Opens <c>{% … %}</c>.</summary>
    BlockBegin,

    /// <summary>Closes it.</summary>
    BlockEnd,

    /// <summary>Opens <c>{{ … }}</c>.</summary>
    PrintBegin,

    /// <summary>Closes it.</summary>
    PrintEnd,

    /// <summary>A name or a word of the language.</summary>
    Name,

    /// <summary>A string, unescaped.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number with a point or an exponent.</summary>
    Number,

    /// <summary>An operator or a bracket.</summary>
    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; of a string what it stands for.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text, int Line)
{
    public bool Is(string op) => Kind == JinjaTokenKind.Operator && Text == op;

    public bool IsName(string name) => Kind == JinjaTokenKind.Name && Text == name;

    public override string ToString() =>
        Kind switch
        {
            JinjaTokenKind.End => "the end of the template",
            JinjaTokenKind.BlockEnd => "%}",
            JinjaTokenKind.PrintEnd => "}}",
            JinjaTokenKind.BlockBegin => "{%",
            JinjaTokenKind.PrintBegin => "{{",
            JinjaTokenKind.Text => "a string",
            JinjaTokenKind.Data => "text",
            _ => $"'{Text}'",
        };
}

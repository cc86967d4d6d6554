using static GemmaScope.Text.Jinja.JinjaTokenKind;

namespace GemmaScope.Text.Jinja;

/// <summary>Reads the statements of a template. A tag that is not known is refused by its name.</summary>
internal sealed class JinjaParser : JinjaExpressionParser
{
    private int _loops;

    private JinjaParser(List<JinjaToken> tokens)
        : base(tokens) { }

    public static List<JinjaStatement> Parse(string source)
    {
        var parser = new JinjaParser(JinjaLexer.Cut(source));
        var statements = parser.Statements();
        return parser.Current.Kind == End
            ? statements
            : throw new JinjaProblem(parser.Current.Line, $"the tag '{parser.Following.Text}' stands where none is open");
    }

    /// <summary>Statements up to one of these tags, before which it stops, or the end.</summary>
    private List<JinjaStatement> Statements(params string[] ends)
    {
        var statements = new List<JinjaStatement>();
        while (Current.Kind != End && !(Current.Kind == BlockBegin && ends.Contains(Following.Text)))
            statements.Add(Nested(Statement));
        return statements;
    }

    /// <summary>Statements up to a tag that must be there, and is taken.</summary>
    private List<JinjaStatement> Body(JinjaToken tag, string end)
    {
        var statements = Statements(end);
        Close(tag, end);
        return statements;
    }

    private void Close(JinjaToken tag, string end)
    {
        if (Current.Kind == End)
            throw new JinjaProblem(tag.Line, $"'{tag.Text}' has no '{end}'");
        Take();
        Take();
        // {% endmacro name %} repeats the name.
        if (end == "endmacro" && Current.Kind == Name)
            Take();
        Expect(BlockEnd, "%}");
    }

    private JinjaStatement Statement()
    {
        var token = Take();
        switch (token.Kind)
        {
            case Data:
                return new JinjaData(token.Line, token.Text);
            case PrintBegin:
                var value = Tuple();
                Expect(PrintEnd, "}}");
                return new JinjaPrint(token.Line, value is JinjaFiltered { Filter: Safe, Inner: { } inner } ? inner : value);
            default:
                return Tag(Expect(Name, "the name of a tag"));
        }
    }

    private JinjaStatement Tag(JinjaToken tag) =>
        tag.Text switch
        {
            "if" => If(tag),
            "for" => For(tag),
            "set" => Set(tag),
            "macro" => Macro(tag),
            "with" => With(tag),
            "filter" => FilterBlock(tag),
            "generation" => Generation(tag),
            "break" => Jump(tag, JinjaFlow.Break),
            "continue" => Jump(tag, JinjaFlow.Continue),
            "elif" or "else" or "endif" or "endfor" or "endset" or "endmacro" or "endwith" or "endfilter" or "endgeneration" =>
                throw new JinjaProblem(tag.Line, $"the tag '{tag.Text}' closes nothing"),
            _ => throw new JinjaProblem(tag.Line, $"the tag '{tag.Text}' is not supported"),
        };

    private JinjaIf If(JinjaToken tag)
    {
        var branches = new List<(JinjaExpression?, List<JinjaStatement>)>();
        var test = Tuple(withChoice: false);
        while (true)
        {
            Expect(BlockEnd, "%}");
            branches.Add((test, Statements("elif", "else", "endif")));
            if (Current.Kind != BlockBegin || !Following.IsName("elif"))
                break;
            Take();
            Take();
            test = Tuple(withChoice: false);
        }
        if (Current.Kind == BlockBegin && Following.IsName("else"))
        {
            Take();
            Take();
            Expect(BlockEnd, "%}");
            branches.Add((null, Statements("endif")));
        }
        Close(tag, "endif");
        return new(tag.Line, branches);
    }

    private JinjaFor For(JinjaToken tag)
    {
        var target = Target();
        if (!TakeWord("in"))
            throw new JinjaProblem(tag.Line, $"'in' is expected, found {Current}");
        var members = Tuple(withChoice: false);
        var filter = TakeWord("if") ? Expression() : null;
        if (Current.IsName("recursive"))
            throw new JinjaProblem(tag.Line, "'recursive' is not supported");
        Expect(BlockEnd, "%}");
        _loops++;
        var body = Statements("else", "endfor");
        _loops--;
        List<JinjaStatement> otherwise = [];
        if (Current.Kind == BlockBegin && Following.IsName("else"))
        {
            Take();
            Take();
            Expect(BlockEnd, "%}");
            otherwise = Statements("endfor");
        }
        Close(tag, "endfor");
        return new(tag.Line, target, members, filter, body, otherwise);
    }

    private JinjaStatement Set(JinjaToken tag)
    {
        var target = Target();
        if (TakeIf("="))
        {
            var value = Tuple();
            Expect(BlockEnd, "%}");
            return new JinjaSet(tag.Line, target, value);
        }
        var filter = Filters();
        Expect(BlockEnd, "%}");
        return new JinjaCaptured(tag.Line, target, filter, Body(tag, "endset"));
    }

    private JinjaCaptured FilterBlock(JinjaToken tag)
    {
        var filter = Filters(begun: true);
        Expect(BlockEnd, "%}");
        return new(tag.Line, null, filter, Body(tag, "endfilter"));
    }

    private JinjaMacro Macro(JinjaToken tag)
    {
        var name = Expect(Name, "the name of a macro").Text;
        Expect("(");
        var parameters = new List<(string, JinjaExpression?)>();
        while (!TakeIf(")"))
        {
            if (parameters.Count > 0)
                Expect(",");
            parameters.Add((Expect(Name, "the name of a parameter").Text, TakeIf("=") ? Expression() : null));
        }
        Expect(BlockEnd, "%}");
        var loops = _loops;
        _loops = 0;
        var body = Body(tag, "endmacro");
        _loops = loops;
        return new(tag.Line, name, parameters, body);
    }

    private JinjaWith With(JinjaToken tag)
    {
        var values = new List<(JinjaTarget, JinjaExpression)>();
        while (Current.Kind != BlockEnd)
        {
            if (values.Count > 0)
                Expect(",");
            var target = new JinjaTarget(Current.Line, [(Expect(Name, "a name").Text, null)], IsTuple: false);
            Expect("=");
            values.Add((target, Expression()));
        }
        Take();
        return new(tag.Line, values, Body(tag, "endwith"));
    }

    private JinjaWith Generation(JinjaToken tag)
    {
        Expect(BlockEnd, "%}");
        return new(tag.Line, [], Body(tag, "endgeneration"));
    }

    private JinjaJump Jump(JinjaToken tag, JinjaFlow flow)
    {
        if (_loops == 0)
            throw new JinjaProblem(tag.Line, $"the tag '{tag.Text}' stands outside a loop");
        Expect(BlockEnd, "%}");
        return new(tag.Line, flow);
    }

    /// <summary>Names to which values are given: <c>a</c>, <c>a.b</c>, or several with commas between.</summary>
    private JinjaTarget Target()
    {
        var line = Current.Line;
        var isInBrackets = TakeIf("(");
        List<(string, string?)> names = [OneTarget()];
        var isTuple = false;
        while (TakeIf(","))
        {
            isTuple = true;
            if (Current.Kind != Name || Current.IsName("in"))
                break;
            names.Add(OneTarget());
        }
        if (isInBrackets)
            Expect(")");
        return new(line, names, isTuple);
    }

    private (string Name, string? Attribute) OneTarget()
    {
        var name = Expect(Name, "a name");
        return name.Text is "true" or "false" or "none" or "True" or "False" or "None" or "not" or "in" or "if"
            ? throw new JinjaProblem(name.Line, $"'{name.Text}' cannot be given a value")
            : (name.Text, TakeIf(".") ? Expect(Name, "the name of an attribute").Text : null);
    }
}

using System.Globalization;
using static GemmaScope.Text.Jinja.JinjaTokenKind;

namespace GemmaScope.Text.Jinja;

/// <summary>Reads expressions, with the precedence that Jinja gives its operators.</summary>
internal class JinjaExpressionParser(List<JinjaToken> tokens)
{
    /// <summary>A filter that changes nothing of what is printed, and all of what it is joined with.</summary>
    protected const string Safe = "safe";

    private const int Deepest = 250;

    private int _at,
        _depth;

    protected JinjaToken Current => tokens[_at];

    protected JinjaToken Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    protected JinjaToken Take()
    {
        var token = tokens[_at];
        if (_at < tokens.Count - 1)
            _at++;
        return token;
    }

    protected bool TakeIf(string op)
    {
        var isThere = Current.Is(op);
        if (isThere)
            Take();
        return isThere;
    }

    protected bool TakeWord(string word)
    {
        var isThere = Current.IsName(word);
        if (isThere)
            Take();
        return isThere;
    }

    protected JinjaToken Expect(JinjaTokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw new JinjaProblem(Current.Line, $"{what} is expected, found {Current}");

    protected void Expect(string op)
    {
        if (!TakeIf(op))
            throw new JinjaProblem(Current.Line, $"'{op}' is expected, found {Current}");
    }

    /// <summary>Reads what is nested, if it is not nested too deeply.</summary>
    protected T Nested<T>(Func<T> read)
    {
        if (++_depth > Deepest)
            throw new JinjaProblem(Current.Line, $"more than {Deepest} parts are nested in each other");
        var value = read();
        _depth--;
        return value;
    }

    /// <summary>An expression, or several with commas between, which are a tuple.</summary>
    protected JinjaExpression Tuple(bool withChoice = true)
    {
        var line = Current.Line;
        var first = Expression(withChoice);
        if (!Current.Is(","))
            return first;
        List<JinjaExpression> members = [first];
        while (TakeIf(",") && Current.Kind is not (BlockEnd or PrintEnd) && !Current.Is(")"))
            members.Add(Expression(withChoice));
        return new JinjaListOf(line, members, isTuple: true);
    }

    protected JinjaExpression Expression(bool withChoice = true)
    {
        var value = Nested(Or);
        while (withChoice && Current.IsName("if"))
        {
            var line = Take().Line;
            var test = Or();
            value = new JinjaChoice(line, test, value, TakeWord("else") ? Nested(() => Expression()) : null);
        }
        return value;
    }

    /// <summary>Filters with nothing before them; null if there is none.</summary>
    protected JinjaFiltered? Filters(bool begun = false)
    {
        JinjaFiltered? filtered = null;
        while (begun || TakeIf("|"))
        {
            filtered = Filter(filtered);
            begun = false;
        }
        return filtered;
    }

    private JinjaExpression Or()
    {
        var left = And();
        while (Current.IsName("or"))
            left = new JinjaEither(Take().Line, left, And(), isAnd: false);
        return left;
    }

    private JinjaExpression And()
    {
        var left = Not();
        while (Current.IsName("and"))
            left = new JinjaEither(Take().Line, left, Not(), isAnd: true);
        return left;
    }

    private JinjaExpression Not() => Current.IsName("not") ? new JinjaNot(Take().Line, Nested(Not)) : Comparison();

    private JinjaExpression Comparison()
    {
        var line = Current.Line;
        var first = Sum();
        var steps = new List<(string, JinjaExpression)>();
        while (true)
        {
            if (Current is { Kind: Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
                steps.Add((Take().Text, Sum()));
            else if (TakeWord("in"))
                steps.Add(("in", Sum()));
            else if (Current.IsName("not") && Following.IsName("in"))
            {
                Take();
                Take();
                steps.Add(("not in", Sum()));
            }
            else
                return steps.Count == 0 ? first : new JinjaComparison(line, first, steps);
        }
    }

    private JinjaExpression Sum() => Row(() => Row(Product, "~"), "+", "-");

    private JinjaExpression Product() => Row(() => Row(() => Signed(), "**"), "*", "/", "//", "%");

    private JinjaExpression Row(Func<JinjaExpression> next, params ReadOnlySpan<string> operators)
    {
        var left = next();
        while (Current.Kind == Operator && operators.Contains(Current.Text))
        {
            var op = Take();
            left = new JinjaOperation(op.Line, op.Text, left, next());
        }
        return left;
    }

    private JinjaExpression Signed(bool withFilters = true)
    {
        var value =
            Current.Is("-") || Current.Is("+")
                ? Take() is var sign
                    ? new JinjaSign(sign.Line, Nested(() => Signed(withFilters: false)), sign.Text == "-")
                    : null!
                : Primary();
        while (Current.Is(".") || Current.Is("[") || Current.Is("("))
            value = Postfix(value);
        while (withFilters)
        {
            if (TakeIf("|"))
                value = Filter(value);
            else if (Current.IsName("is"))
                value = Test(value);
            else if (Current.Is("("))
                value = Postfix(value);
            else
                break;
        }
        return value;
    }

    private JinjaExpression Primary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case Name:
                return token.Text switch
                {
                    "true" or "True" => new JinjaConstant(token.Line, true),
                    "false" or "False" => new JinjaConstant(token.Line, false),
                    "none" or "None" => new JinjaConstant(token.Line, null),
                    _ => new JinjaName(token.Line, token.Text),
                };
            case JinjaTokenKind.Text:
                // Strings side by side are one.
                var text = token.Text;
                while (Current.Kind == JinjaTokenKind.Text)
                    text += Take().Text;
                return new JinjaConstant(token.Line, text);
            case Integer:
                return long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                    ? new JinjaConstant(token.Line, whole)
                    : throw new JinjaProblem(token.Line, $"the number {token.Text} is too large");
            case Number:
                return new JinjaConstant(token.Line, double.Parse(token.Text, CultureInfo.InvariantCulture));
            case Operator when token.Text == "(":
                return Parentheses(token.Line);
            case Operator when token.Text == "[":
                return new JinjaListOf(token.Line, Members("]", () => Expression()), isTuple: false);
            case Operator when token.Text == "{":
                return new JinjaMapOf(token.Line, Members("}", Pair));
            default:
                throw new JinjaProblem(token.Line, $"an expression is expected, found {token}");
        }
    }

    private JinjaExpression Parentheses(int line)
    {
        var inner = Current.Is(")") ? new JinjaListOf(line, [], isTuple: true) : Tuple();
        Expect(")");
        return inner;
    }

    private (JinjaExpression Key, JinjaExpression Value) Pair()
    {
        var key = Expression();
        Expect(":");
        return (key, Expression());
    }

    /// <summary>What stands between commas up to a bracket; a last comma may be there.</summary>
    private List<T> Members<T>(string end, Func<T> member)
    {
        var members = new List<T>();
        while (!TakeIf(end))
        {
            if (members.Count > 0)
                Expect(",");
            if (TakeIf(end))
                break;
            members.Add(member());
        }
        return members;
    }

    private JinjaExpression Postfix(JinjaExpression target)
    {
        var token = Take();
        if (token.Text == "(")
            return new JinjaInvocation(token.Line, target, Arguments());
        if (token.Text == "[")
            return Subscript(target, token.Line);
        if (Current.Kind == Integer)
            return new JinjaMember(token.Line, target, Primary(), isAttribute: false);
        var name = Expect(Name, "the name of an attribute");
        return new JinjaMember(token.Line, target, new JinjaConstant(name.Line, name.Text), isAttribute: true);
    }

    private JinjaExpression Subscript(JinjaExpression target, int line)
    {
        var bounds = new JinjaExpression?[3];
        var place = 0;
        while (!TakeIf("]"))
        {
            if (!TakeIf(":"))
                bounds[place] = bounds[place] is null ? Expression() : throw new JinjaProblem(line, $"']' is expected, found {Current}");
            else if (++place > 2)
                throw new JinjaProblem(line, "a slice has three parts at most");
        }
        return place > 0 ? new JinjaSlice(line, target, bounds)
            : bounds[0] is { } key ? new JinjaMember(line, target, key, isAttribute: false)
            : throw new JinjaProblem(line, "nothing stands between '[' and ']'");
    }

    /// <summary>What stands behind an opening bracket.</summary>
    private JinjaArguments Arguments()
    {
        var (positional, named) = (new List<JinjaExpression>(), new List<(string, JinjaExpression)>());
        Members(
            ")",
            () =>
            {
                if (Current.Is("*") || Current.Is("**"))
                    throw new JinjaProblem(Current.Line, $"arguments after '{Current.Text}' are not supported");
                if (Current.Kind == Name && Following.Is("="))
                {
                    var name = Take().Text;
                    Take();
                    named.Add((name, Expression()));
                }
                else if (named.Count > 0)
                    throw new JinjaProblem(Current.Line, "an argument without a name follows one with a name");
                else
                    positional.Add(Expression());
                return true;
            }
        );
        return new(positional, named);
    }

    private JinjaFiltered Filter(JinjaExpression? value)
    {
        var name = Expect(Name, "the name of a filter");
        if (Current.Is("."))
            throw new JinjaProblem(name.Line, $"the filter '{name.Text}.' is not supported");
        if (name.Text != Safe && !JinjaFilters.IsSupported(name.Text))
            throw new JinjaProblem(name.Line, $"the filter '{name.Text}' is not supported");
        return new(name.Line, value, name.Text, TakeIf("(") ? Arguments() : JinjaArguments.None);
    }

    private JinjaExpression Test(JinjaExpression value)
    {
        Take();
        var isNot = TakeWord("not");
        var name = Expect(Name, "the name of a test");
        if (!JinjaTests.IsSupported(name.Text))
            throw new JinjaProblem(name.Line, $"the test '{name.Text}' is not supported");
        var arguments = JinjaArguments.None;
        if (TakeIf("("))
            arguments = Arguments();
        else if (IsArgument(Current))
        {
            var argument = Primary();
            while (Current.Is(".") || Current.Is("[") || Current.Is("("))
                argument = Postfix(argument);
            arguments = new([argument], []);
        }
        var tested = new JinjaTested(name.Line, value, name.Text, arguments);
        return isNot ? new JinjaNot(name.Line, tested) : tested;
    }

    private static bool IsArgument(JinjaToken token) =>
        token.Kind switch
        {
            Name => token.Text is not ("else" or "or" or "and" or "is" or "if" or "not" or "in"),
            JinjaTokenKind.Text or Integer or Number => true,
            Operator => token.Text is "[" or "{",
            _ => false,
        };
}

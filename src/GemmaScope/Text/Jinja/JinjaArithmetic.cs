namespace GemmaScope.Text.Jinja;

/// <summary>The operators of Python on the values of templates.</summary>
internal static class JinjaArithmetic
{
    public static object Of(JinjaRun run, int line, string op, object? left, object? right)
    {
        if (op == "~")
            return Join(run, line, JinjaValues.ToText(run, line, left), JinjaValues.ToText(run, line, right));
        if (JinjaValues.AsNumber(left) is { } a && JinjaValues.AsNumber(right) is { } b)
            return Numbers(line, op, a, b);
        return (op, left, right) switch
        {
            ("+", string one, string two) => Join(run, line, one, two),
            ("+", JinjaTuple one, JinjaTuple two) => new JinjaTuple(Counted([.. one, .. two])),
            ("+", JinjaTuple, _) or ("+", _, JinjaTuple) => throw Bad(),
            ("+", List<object?> one, List<object?> two) => Counted([.. one, .. two]),
            ("*", string text, long times) => Repeated(run, line, text, times),
            ("*", long times, string text) => Repeated(run, line, text, times),
            ("%", string, _) => throw new JinjaProblem(line, "formatting a string by '%' is not supported; '~' joins"),
            _ => throw Bad(),
        };

        List<object?> Counted(List<object?> list)
        {
            run.Make(line, list.Count);
            return list;
        }

        JinjaProblem Bad() => new(line, $"'{op}' does not go with {JinjaValues.KindOf(left)} and {JinjaValues.KindOf(right)}");
    }

    private static string Join(JinjaRun run, int line, string left, string right)
    {
        run.MakeText(line, (long)left.Length + right.Length);
        return left + right;
    }

    private static string Repeated(JinjaRun run, int line, string text, long times)
    {
        if (times <= 0 || text.Length == 0)
            return "";
        run.MakeText(line, times > JinjaRun.LongestText ? times : text.Length * times);
        return new System.Text.StringBuilder().Insert(0, text, (int)times).ToString();
    }

    private static object Numbers(int line, string op, object left, object right)
    {
        try
        {
            if (left is long a && right is long b && op != "/")
                return op switch
                {
                    "+" => checked(a + b),
                    "-" => checked(a - b),
                    "*" => checked(a * b),
                    "//" => Floor(a, NotZero(b)),
                    "%" => checked(a - (Floor(a, NotZero(b)) * b)),
                    _ => Power(a, b),
                };
        }
        catch (OverflowException)
        {
            throw new JinjaProblem(line, "a number becomes too large");
        }
        var (x, y) = (JinjaValues.ToDouble(left), JinjaValues.ToDouble(right));
        return op switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / NotZero(y),
            "//" => Math.Floor(x / NotZero(y)),
            "%" => x - (Math.Floor(x / NotZero(y)) * y),
            _ => Math.Pow(x, y),
        };

        T NotZero<T>(T number)
            where T : System.Numerics.INumber<T> => T.IsZero(number) ? throw new JinjaProblem(line, "division by zero") : number;
    }

    private static long Floor(long a, long b) => checked(a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);

    private static object Power(long a, long b)
    {
        if (b < 0)
            return Math.Pow(a, b);
        var power = 1L;
        if (a is 0 or 1 or -1)
            return b == 0 || a == 1 ? 1L
                : a == 0 ? 0L
                : b % 2 == 0 ? 1L
                : -1L;
        for (var i = 0L; i < b; i++)
            power = checked(power * a);
        return power;
    }
}

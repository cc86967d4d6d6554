namespace GemmaScope.Text.Jinja;

/// <summary>Members, attributes and parts of values.</summary>
internal static class JinjaMembers
{
    /// <summary><c>a.b</c> looks for a method first and a member then, <c>a[b]</c> the other way round.</summary>
    public static object? Of(JinjaRun run, int line, object? target, object? key, bool isAttribute)
    {
        if (target is JinjaUndefined undefined)
            throw new JinjaProblem(line, $"{undefined.What} is undefined, so it has no {Shown(key)}");
        if (key is string hidden && hidden.StartsWith("__", StringComparison.Ordinal))
            throw new JinjaProblem(line, $"the attribute {hidden} is not supported");
        if (isAttribute && TryAttribute(line, target, key, out var value))
            return value;
        return TryMember(run, line, target, key, out value) || TryAttribute(line, target, key, out value)
            ? value
            : new JinjaUndefined($"{Shown(key)} of {JinjaValues.KindOf(target)}");
    }

    /// <summary>A part of a list or text, by Python's rules.</summary>
    public static object Slice(JinjaRun run, int line, object? value, long? from, long? to, long step)
    {
        if (value is not (string or List<object?>))
            throw new JinjaProblem(line, $"{JinjaValues.KindOf(value)} cannot be cut into parts");
        if (step == 0)
            throw new JinjaProblem(line, "a slice goes by steps of 0");
        var all = JinjaValues.Each(run, line, value);
        var (low, high) = step > 0 ? (0, all.Count) : (-1, all.Count - 1);
        var start = Place(from, step > 0 ? low : high);
        var end = Place(to, step > 0 ? high : low);
        var part = new List<object?>();
        for (var i = start; step > 0 ? i < end : i > end; i += step)
        {
            part.Add(all[(int)i]);
            // Where a step would leave the range of numbers, it has left the list.
            if (Math.Abs(step) > all.Count)
                break;
        }
        return value is string ? string.Concat(part)
            : value is JinjaTuple ? new JinjaTuple(part)
            : part;

        long Place(long? given, int otherwise) =>
            given is not { } place ? otherwise : Math.Clamp(place < 0 ? place + all.Count : place, low, high);
    }

    private static bool TryMember(JinjaRun run, int line, object? target, object? key, out object? member)
    {
        member = null;
        switch (target)
        {
            case JinjaMap map:
                return key is string or long or bool or double && map.TryGetValue(key, out member);
            case string text when key is long at:
                var characters = JinjaValues.Each(run, line, text);
                return At(characters, at, out member);
            case List<object?> list when key is long at:
                return At(list, at, out member);
            default:
                return false;
        }
    }

    private static bool At(List<object?> list, long at, out object? member)
    {
        var place = at < 0 ? at + list.Count : at;
        var isThere = place >= 0 && place < list.Count;
        member = isThere ? list[(int)place] : null;
        return isThere;
    }

    private static bool TryAttribute(int line, object? target, object? key, out object? value)
    {
        value = null;
        if (key is not string name)
            return false;
        if (target is JinjaNamespace space)
            return space.Members.TryGetValue(name, out value);
        if (target is JinjaLoop loop)
            return loop.TryAttribute(line, name, out value);
        value = JinjaMethods.Find(target, name);
        return value is not null;
    }

    private static string Shown(object? key) => key is string name ? $"'{name}'" : $"member {key}";
}

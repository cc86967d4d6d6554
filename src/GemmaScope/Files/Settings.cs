using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>
/// Records of settings as sections of a file and back: a property <c>SparsityWeight</c> is the key <c>sparsity_weight</c>, a nested record
/// a section.
/// A property that is added to a record is thereby read, checked, printed and compared.
/// </summary>
internal static partial class Settings
{
    /// <summary>Reads a record; what the section does not mention keeps the value it has in <paramref name="defaults"/>.</summary>
    /// <exception cref="FileFormatException">A key is unknown, or a value has another type.</exception>
    public static T Read<T>(JsonSection section, T defaults)
        where T : class => (T)Read(section, (object)defaults);

    /// <summary>All values in the order of their declaration, as they are written: <c>recipe.learning_rate</c>, <c>7E-05</c>.</summary>
    public static IEnumerable<(string Key, string Value)> Flatten(object settings, string prefix = "")
    {
        foreach (var property in Properties(settings.GetType()))
        {
            var (key, value) = (prefix + Name(property), property.GetValue(settings));
            if (value is not null && IsRecord(value.GetType()))
                foreach (var inner in Flatten(value, key + "."))
                    yield return inner;
            else
                yield return (key, Scalar(value));
        }
    }

    /// <summary>The record as YAML, every value named; <see cref="Read{T}"/> gives it back.</summary>
    /// <param name="settings">The record.</param>
    /// <param name="remarks">What is said behind a value, by its key.</param>
    public static string ToYaml(object settings, IReadOnlyDictionary<string, string>? remarks = null)
    {
        var yaml = new StringBuilder();
        Write(yaml, settings, "", "", remarks ?? new Dictionary<string, string>());
        return yaml.ToString();
    }

    /// <summary>The keys whose values differ, as "key: this before, that now"; one that was not there before had its default.</summary>
    public static IEnumerable<string> Differences(IReadOnlyDictionary<string, string> before, object after)
    {
        var now = Flatten(after).ToArray();
        // A setting that an earlier version did not have was then as it is where nobody says anything.
        var standard = Flatten(Activator.CreateInstance(after.GetType())!).ToDictionary();
        foreach (var (key, value) in now)
            if ((before.GetValueOrDefault(key) ?? standard.GetValueOrDefault(key)) is var old && old != value)
                yield return $"{key}: {old ?? "nothing"} before, {value} now";
        foreach (var key in before.Keys.Except(now.Select(pair => pair.Key)))
            yield return $"{key}: {before[key]} before, nothing now";
    }

    private static object Read(JsonSection section, object defaults)
    {
        var properties = Properties(defaults.GetType());
        section.RequireKnown([.. properties.Select(Name)]);
        // A copy, in which only what is given is set: a record may tell a default from the same value that somebody chose.
        var result = CopyOf(defaults);
        foreach (var property in properties)
            if (section.Element.TryGetProperty(Name(property), out var given))
                property.SetValue(result, Value(section, property, given, property.GetValue(defaults)));
        return result;
    }

    private static object CopyOf(object record) => record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;

    private static object? Value(JsonSection section, PropertyInfo property, JsonElement given, object? standard)
    {
        var (key, type) = (Name(property), property.PropertyType);
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (given.ValueKind == JsonValueKind.Null)
            return MayBeNull(property) ? null : throw section.Bad(key, "must have a value; leave the line out for the default");
        if (IsRecord(bare))
            return Read(section.Section(key)!, standard ?? Activator.CreateInstance(bare)!);
        if (bare == typeof(bool))
            return section.Flag(key);
        if (bare == typeof(int))
            return section.Integer(key);
        if (bare == typeof(long))
            return section.Number(key) is { } whole && whole == Math.Floor(whole) && Math.Abs(whole) < 1L << 53
                ? (long)whole
                : throw section.Bad(key, $"must be a whole number, found {given.GetRawText()}");
        if (bare == typeof(double))
            return section.Number(key);
        if (bare == typeof(float))
            return (float)section.Number(key)!.Value;
        if (bare == typeof(string))
            return section.Text(key);
        if (bare.IsEnum)
            return Choice(section, key, bare, section.Text(key)!);
        if (bare == typeof(IReadOnlyList<int>))
            return section.Integers(key);
        if (bare == typeof(IReadOnlyList<double>))
            return section.Numbers(key);
        if (bare == typeof(IReadOnlyList<string>))
            return section.Texts(key);
        if (bare.IsGenericType && bare.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return Parsed(section, key, bare.GetGenericArguments()[0]);
        throw new InvalidOperationException($"{property.DeclaringType!.Name}.{property.Name}: settings of type {type} are not supported");
    }

    private static Enum Choice(JsonSection section, string key, Type type, string text)
    {
        var choices = Enum.GetValues(type).Cast<Enum>().ToDictionary(Word);
        return choices.TryGetValue(text, out var choice)
            ? choice
            : throw section.Bad(key, $"must be one of {string.Join(", ", choices.Keys)}, found \"{text}\"");
    }

    /// <summary>A list of values that are written as text: choices, and whatever has a static <c>Parse(string)</c>.</summary>
    private static IList Parsed(JsonSection section, string key, Type type)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type))!;
        foreach (var text in section.Texts(key)!)
        {
            try
            {
                list.Add(type.IsEnum ? Choice(section, key, type, text) : type.GetMethod("Parse", [typeof(string)])!.Invoke(null, [text]));
            }
            catch (TargetInvocationException problem) when (problem.InnerException is GemmaScopeException inner)
            {
                throw section.Bad(key, $"cannot be used: {inner.Message}");
            }
        }
        return list;
    }

    private static void Write(
        StringBuilder yaml,
        object settings,
        string indent,
        string prefix,
        IReadOnlyDictionary<string, string> remarks
    )
    {
        foreach (var property in Properties(settings.GetType()))
        {
            var value = property.GetValue(settings);
            yaml.Append(indent).Append(Name(property)).Append(':');
            if (value is not null && IsRecord(value.GetType()))
            {
                yaml.Append('\n');
                Write(yaml, value, indent + "  ", $"{prefix}{Name(property)}.", remarks);
            }
            else
            {
                yaml.Append(' ').Append(Scalar(value));
                if (remarks.TryGetValue(prefix + Name(property), out var remark))
                    yaml.Append("  # ").Append(remark);
                yaml.Append('\n');
            }
        }
    }

    private static string Scalar(object? value) =>
        value switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            string text => Plain().IsMatch(text) && text is not ("true" or "false" or "null") ? text : JsonSerializer.Serialize(text),
            Enum choice => Word(choice),
            IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(Scalar))}]",
            double or float or int or long => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
            _ => Scalar(value.ToString()),
        };

    private static PropertyInfo[] Properties(Type type) =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite)];

    private static bool IsRecord(Type type) => type.IsClass && type != typeof(string) && !typeof(IEnumerable).IsAssignableFrom(type);

    private static bool MayBeNull(PropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null
        || (!property.PropertyType.IsValueType && new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable);

    /// <summary>How a choice is written: its name, or the short name the field has for it.</summary>
    public static string Word(Enum choice) =>
        choice.GetType().GetField(choice.ToString())!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
        ?? Snake(choice.ToString());

    private static string Name(PropertyInfo property) => Snake(property.Name);

    private static string Snake(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    [GeneratedRegex(@"^[A-Za-z_./][A-Za-z0-9_./@-]*$")]
    private static partial Regex Plain();
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace GemmaScope.Files;

/// <summary>
/// Reads small YAML files (recipes, suites) as the same sections as JSON, so that both are asked and refused in the same words. Plain
/// words mean what YAML 1.2's core schema says: true, false, null, numbers; <c>yes</c> and <c>on</c> are strings. Anchors may be used
/// again, tags other than those of the core schema may not. Every JSON file is such a file too.
/// </summary>
public static class YamlFile
{
    /// <summary>Files above this size are no configuration.</summary>
    public const int LargestFile = 16 << 20;

    /// <summary>Lists and mappings inside each other at most.</summary>
    public const int Deepest = 32;

    /// <summary>Values of a file at most, each use of an anchor counted in full: ten lines can stand for billions.</summary>
    public const int MostValues = 1_000_000;

    /// <summary>Reads a file whose outermost value is a mapping.</summary>
    /// <exception cref="FileFormatException">The file is missing, too large, not YAML, or not a mapping; the message names the
    /// line.</exception>
    public static JsonSection Read(string path)
    {
        var length = FileChecks.LengthOf(path);
        if (length > LargestFile)
            throw new FileFormatException($"{length} bytes are too many for a YAML configuration (limit {LargestFile})", path);
        return Parse(TextFile.Read(path, LargestFile), path);
    }

    /// <summary>Reads a file and puts values into it, e.g. those of options, which win over the file's.</summary>
    /// <param name="path">The file, or null: only the values.</param>
    /// <param name="values">Values by their keys, with points between sections and what is inside: <c>recipe.learning_rate</c>.</param>
    /// <exception cref="FileFormatException">The file cannot be read, or a key leads through something that is no section.</exception>
    internal static JsonSection ReadWith(string? path, IEnumerable<(string Key, JsonNode? Value)> values)
    {
        var root = path is null ? [] : JsonObject.Create(Read(path).Element)!;
        foreach (var (key, value) in values)
        {
            var (keys, section) = (key.Split('.'), root);
            foreach (var name in keys[..^1])
            {
                if (section[name] is null)
                    section[name] = new JsonObject();
                section =
                    section[name] as JsonObject
                    ?? throw new FileFormatException($"'{key}' cannot be set: '{name}' is no section there", path);
            }
            section[keys[^1]] = value?.DeepClone();
        }
        return new JsonSection(path ?? "options", "", JsonElement.Parse(root.ToJsonString()));
    }

    /// <summary>A value as it would stand behind a colon: <c>7e-5</c>, <c>[1, 2]</c>, <c>word</c>.</summary>
    /// <param name="text">The value.</param>
    /// <param name="source">What an error names.</param>
    /// <exception cref="FileFormatException">The text is no YAML.</exception>
    public static JsonNode? ParseValue(string text, string source) =>
        JsonObject.Create(Parse($"value: {text}", source).Element)!["value"]?.DeepClone();

    /// <summary>Reads a text as if it came from a file of that name.</summary>
    internal static JsonSection Parse(string text, string path)
    {
        try
        {
            var root = new Reader(new Parser(new Scanner(new StringReader(text), skipComments: true)), path).Document();
            return new JsonSection(path, "", JsonElement.Parse(root.ToJsonString()));
        }
        catch (YamlException problem)
        {
            throw new FileFormatException($"line {problem.Start.Line} is not valid YAML: {problem.Message}", path, problem);
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidOperationException or FormatException)
        {
            // Half a surrogate pair (written as an escape) shows only when the text is written again.
            throw new FileFormatException($"the file is not valid YAML: {problem.Message}", path, problem);
        }
    }

    /// <summary>Reads the events of the parser into JSON values.</summary>
    private sealed class Reader(IParser events, string path)
    {
        private readonly Dictionary<AnchorName, (JsonNode? Value, int Count)> _anchors = [];
        private int _values;

        public JsonObject Document()
        {
            events.Consume<StreamStart>();
            if (events.Accept<StreamEnd>(out _))
                throw new FileFormatException("the file is empty; write 'key: value' lines", path);
            events.Consume<DocumentStart>();
            var root = Value(0) as JsonObject ?? throw new FileFormatException("a mapping of 'key: value' lines is needed", path);
            events.Consume<DocumentEnd>();
            return events.Accept<StreamEnd>(out _) ? root : throw At(events.Current!, "begins a second document; one is read");
        }

        private JsonNode? Value(int depth)
        {
            var next = events.Consume<ParsingEvent>();
            if (next is AnchorAlias alias)
                return Again(alias);
            var first = Count(1, next);
            if (depth >= Deepest)
                throw At(next, $"is nested deeper than {Deepest} levels");
            JsonNode? value = next switch
            {
                Scalar scalar => Plain(scalar),
                SequenceStart list => List(Untagged(list), depth),
                MappingStart mapping => Mapping(Untagged(mapping), depth),
                _ => throw At(next, "holds no value"),
            };
            if (next is NodeEvent { Anchor: { IsEmpty: false } anchor })
                _anchors[anchor] = (value, _values - first);
            return value;
        }

        private JsonArray List(NodeEvent start, int depth)
        {
            var list = new JsonArray();
            while (!events.TryConsume<SequenceEnd>(out _))
                list.Add(Value(depth + 1));
            return list;
        }

        private JsonObject Mapping(NodeEvent start, int depth)
        {
            var mapping = new JsonObject();
            while (!events.TryConsume<MappingEnd>(out _))
            {
                var key =
                    events.Current is Scalar ? events.Consume<Scalar>() : throw At(events.Current ?? start, "has a key that is no word");
                if (mapping.ContainsKey(key.Value))
                    throw At(key, $"gives '{key.Value}' a second time");
                mapping.Add(key.Value, Value(depth + 1));
            }
            return mapping;
        }

        /// <summary>A value that was given a name before; its own definition is not complete and so has none yet.</summary>
        private JsonNode? Again(AnchorAlias alias)
        {
            if (!_anchors.TryGetValue(alias.Value, out var known))
                throw At(alias, $"uses '*{alias.Value}', which is not defined above");
            Count(known.Count, alias);
            return known.Value?.DeepClone();
        }

        private int Count(int more, ParsingEvent where)
        {
            var before = _values;
            _values = more <= MostValues - _values ? _values + more : throw At(where, $"exceeds {MostValues} values");
            return before;
        }

        private JsonValue? Plain(Scalar scalar)
        {
            var text = scalar.Value;
            var tag = scalar.Tag.IsEmpty
                ? scalar.IsPlainImplicit
                    ? ""
                    : "str"
                : CoreTag(scalar);
            if (tag is "str" or "!")
                return JsonValue.Create(text);
            if (tag is "" or "null" && text is "" or "~" or "null" or "Null" or "NULL")
                return null;
            if (tag is "" or "bool" && text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE")
                return JsonValue.Create(text[0] is 't' or 'T');
            if (tag is "" or "int" && Integer(text) is { } whole)
                return JsonValue.Create(whole);
            if (tag is "" or "int" or "float" && Number(text, scalar) is { } number)
                return JsonValue.Create(number);
            return tag == "" ? JsonValue.Create(text) : throw At(scalar, $"marks '{text}' as !!{tag}, which it is not");
        }

        private string CoreTag(NodeEvent node)
        {
            const string Core = "tag:yaml.org,2002:";
            var tag = node.Tag.Value;
            if (tag == "!")
                return tag;
            return
                tag.StartsWith(Core, StringComparison.Ordinal)
                && tag[Core.Length..] is "str" or "null" or "bool" or "int" or "float" or "seq" or "map"
                ? tag[Core.Length..]
                : throw At(node, $"uses the tag '{tag}', which is not supported");
        }

        private NodeEvent Untagged(NodeEvent collection)
        {
            if (!collection.Tag.IsEmpty)
                CoreTag(collection);
            return collection;
        }

        private static long? Integer(string text)
        {
            if (text.StartsWith("0x", StringComparison.Ordinal))
                return long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex)
                    ? hex
                    : null;
            return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        }

        private double? Number(string text, Scalar where)
        {
            if (text.TrimStart('+', '-') is ".inf" or ".Inf" or ".INF" or ".nan" or ".NaN" or ".NAN")
                throw At(where, $"has {text}, which is no number to compute with");
            // Of what .NET takes for a number only what begins with a digit, a sign or a point: not "Infinity".
            if (!text.AsSpan().TrimStart("+-.").StartsWithDigit())
                return null;
            return
                double.TryParse(
                    text,
                    NumberStyles.Float & ~(NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite),
                    CultureInfo.InvariantCulture,
                    out var number
                ) && double.IsFinite(number)
                ? number
                : null;
        }

        private FileFormatException At(ParsingEvent where, string problem) => new($"line {where.Start.Line} {problem}", path);
    }

    private static bool StartsWithDigit(this ReadOnlySpan<char> text) => text.Length > 0 && char.IsAsciiDigit(text[0]);
}

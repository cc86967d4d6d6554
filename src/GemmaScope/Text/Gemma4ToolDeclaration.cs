using System.Text;
using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>
/// A tool as Gemma 4's template declares it: name, description, and the part of JSON schema that the template knows. Of a schema it reads
/// description, type, enum of strings, items of arrays, nullable, properties and required of objects; nothing else.
/// </summary>
internal sealed class Gemma4ToolDeclaration
{
    // In an object without "properties" its other members are taken for them.
    private static readonly string[] OwnMembers = ["description", "type", "properties", "required", "nullable"];

    private readonly StringBuilder _text = new();

    public Gemma4ToolDeclaration(JsonElement tool)
    {
        if (
            Member(tool, "function") is not { ValueKind: JsonValueKind.Object } function
            || Words(function, "name") is not { Length: > 0 } name
        )
            throw new ArgumentProblemException(
                "a tool is an object with a function that has a name",
                new Setting(nameof(ChatSettings.Tools))
            );
        _text.Append($"declaration:{name}{{description:{Gemma4Tools.Quoted(Words(function, "description") ?? "")}");
        if (Member(function, "parameters") is { } parameters && IsTrue(parameters))
            WriteParameters(parameters);
        if (function.TryGetProperty("response", out var response))
            WriteResponse(response);
        _text.Append('}');
    }

    public string Text => PythonText.Strip(_text.ToString());

    private void WriteParameters(JsonElement parameters)
    {
        _text.Append(",parameters:{");
        if (Member(parameters, "properties") is { } properties && IsTrue(properties))
        {
            _text.Append("properties:{");
            WriteProperties(properties, ofObject: false);
            _text.Append("},");
        }
        if (Member(parameters, "required") is { } required && IsTrue(required))
            _text.Append($"required:{Names(required)},");
        // The template closes the parameters with their type, and does not without one.
        if (Words(parameters, "type") is { Length: > 0 } type)
            _text.Append($"type:{Gemma4Tools.Quoted(type.ToUpperInvariant())}}}");
    }

    private void WriteResponse(JsonElement response)
    {
        _text.Append(",response:{");
        if (Words(response, "description") is { Length: > 0 } description)
            _text.Append($"description:{Gemma4Tools.Quoted(description)},");
        if (Type(response) == "OBJECT")
            _text.Append($"type:{Gemma4Tools.Quoted("OBJECT")}}}");
    }

    private void WriteProperties(JsonElement properties, bool ofObject)
    {
        var isFirst = true;
        foreach (var member in Gemma4Tools.Sorted(properties))
        {
            if (ofObject && OwnMembers.Contains(member.Name))
                continue;
            _text.Append(isFirst ? "" : ",").Append(member.Name).Append(":{");
            isFirst = false;
            WriteSchema(member.Value);
        }
    }

    /// <summary>The members of a schema, which end with its type and the brace.</summary>
    private void WriteSchema(JsonElement schema)
    {
        if (Words(schema, "description") is { Length: > 0 } description)
            _text.Append($"description:{Gemma4Tools.Quoted(description)},");
        var type = Type(schema);
        if (type == "STRING" && Member(schema, "enum") is { } choices && IsTrue(choices))
            _text.Append($"enum:{Gemma4Tools.Value(choices, quotesNames: true)},");
        else if (type == "ARRAY" && Member(schema, "items") is { ValueKind: JsonValueKind.Object } items && IsTrue(items))
            WriteItems(items);
        if (Member(schema, "nullable") is { } nullable && IsTrue(nullable))
            _text.Append("nullable:true,");
        if (type == "OBJECT")
            WriteObject(schema);
        _text.Append($"type:{Gemma4Tools.Quoted(type)}}}");
    }

    private void WriteObject(JsonElement schema)
    {
        var properties = Member(schema, "properties") is { ValueKind: JsonValueKind.Object } given ? given : (JsonElement?)null;
        _text.Append("properties:{");
        WriteProperties(properties ?? schema, ofObject: properties is null);
        _text.Append("},");
        if (Member(schema, "required") is { } required && IsTrue(required))
            _text.Append($"required:{Names(required)},");
    }

    private void WriteItems(JsonElement items)
    {
        _text.Append("items:{");
        var isFirst = true;
        foreach (var member in Gemma4Tools.Sorted(items).Where(member => member.Value.ValueKind != JsonValueKind.Null))
        {
            _text.Append(isFirst ? "" : ",").Append(member.Name).Append(':');
            isFirst = false;
            switch (member.Name)
            {
                case "properties":
                    _text.Append('{');
                    WriteProperties(member.Value, ofObject: false);
                    _text.Append('}');
                    break;
                case "required":
                    _text.Append(Names(member.Value));
                    break;
                case "type":
                    _text.Append(Types(member.Value));
                    break;
                default:
                    _text.Append(Gemma4Tools.Value(member.Value, quotesNames: true));
                    break;
            }
        }
        _text.Append("},");
    }

    private static string Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array
            ? $"[{string.Join(',', type.EnumerateArray().Select(one => Gemma4Tools.Quoted(one.ToString().ToUpperInvariant())))}]"
            : Gemma4Tools.Quoted(type.ToString().ToUpperInvariant());

    private static string Names(JsonElement names) =>
        $"[{string.Join(',', names.ValueKind == JsonValueKind.Array ? names.EnumerateArray().Select(one => Gemma4Tools.Quoted(one.ToString())) : [])}]";

    private static string Type(JsonElement schema) => Words(schema, "type")?.ToUpperInvariant() ?? "";

    private static JsonElement? Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : null;

    /// <summary>A member as a template writes it where a text is due; null where there is none.</summary>
    private static string? Words(JsonElement value, string name) =>
        Member(value, name) switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString(),
            // A list of types, as Python writes it.
            { ValueKind: JsonValueKind.Array } list => $"[{string.Join(", ", list.EnumerateArray().Select(one => $"'{one}'"))}]",
            _ => null,
        };

    /// <summary>Python's idea of what counts as yes.</summary>
    private static bool IsTrue(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.String => value.GetString()!.Length > 0,
            JsonValueKind.Object => value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() > 0,
            JsonValueKind.Number => value.GetDouble() != 0,
            _ => false,
        };
}

using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>Declarations of tools in files, for <see cref="ChatSettings.Tools"/>.</summary>
public static class ChatToolFile
{
    /// <summary>Reads them: a JSON list of functions, each with <c>name</c>, <c>description</c> and <c>parameters</c> (a JSON schema), bare or
    /// as <c>{"type": "function", "function": …}</c>; or an object that holds such a list as <c>tools</c>.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="FileFormatException">It cannot be read, or holds no such list.</exception>
    public static IReadOnlyList<JsonElement> Read(string file)
    {
        var json = JsonFile.ReadRoot(file);
        var list = json.ValueKind == JsonValueKind.Object && json.TryGetProperty("tools", out var tools) ? tools : json;
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw new FileFormatException("holds no tools: a list of functions is needed, each with a name", file);
        return [.. list.EnumerateArray().Select((one, place) => Tool(one, place, file))];
    }

    private static JsonElement Tool(JsonElement tool, int place, string file)
    {
        var function = tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out var inner) ? inner : tool;
        return
            function.ValueKind == JsonValueKind.Object
            && function.TryGetProperty("name", out var name)
            && name.ValueKind == JsonValueKind.String
            && name.GetString()!.Length > 0
            ? JsonSerializer.SerializeToElement(new { type = "function", function })
            : throw new FileFormatException($"tool {place + 1} is no function with a name", file);
    }
}

using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>Checks that the components of a <c>tokenizer.json</c> are those whose work this library does, and names the one that is
/// not.</summary>
internal static class TokenizerComponents
{
    /// <summary>The normaliser must replace spaces by U+2581.</summary>
    public static void CheckNormalizer(JsonElement normalizer, string file)
    {
        if (!IsReplace(normalizer, " ", "\u2581"))
            throw Unsupported("normalizer", normalizer, "Replace \" \" by \"\u2581\"", file);
    }

    /// <summary>The pre-tokenizer must be absent or split at spaces, of which the normaliser leaves none.</summary>
    public static void CheckPreTokenizer(JsonElement splitter, string file)
    {
        if (splitter.ValueKind != JsonValueKind.Null && !(TypeOf(splitter) == "Split" && PatternOf(splitter) == " "))
            throw Unsupported("pre_tokenizer", splitter, "none, or Split at \" \"", file);
    }

    /// <summary>The decoder must replace U+2581 by spaces, join bytes to characters, and join all.</summary>
    public static void CheckDecoder(JsonElement decoder, string file)
    {
        if (
            TypeOf(decoder) != "Sequence"
            || !decoder.TryGetProperty("decoders", out var parts)
            || parts.ValueKind != JsonValueKind.Array
            || parts.GetArrayLength() != 3
            || !IsReplace(parts[0], "\u2581", " ")
            || TypeOf(parts[1]) != "ByteFallback"
            || TypeOf(parts[2]) != "Fuse"
        )
            throw Unsupported("decoder", decoder, "Sequence of Replace, ByteFallback, Fuse", file);
    }

    /// <summary>The fields of the model other than vocabulary and merges must ask for plain BPE with byte fallback.</summary>
    public static void CheckModel(IReadOnlyDictionary<string, JsonElement> settings, string file)
    {
        foreach (var (name, value) in settings)
            if (!IsSupported(name, value))
                throw new FileFormatException(
                    $"model.{name} {Short(value)} is not supported; only Gemma's BPE with byte fallback is",
                    file
                );
        if (!settings.ContainsKey("byte_fallback"))
            throw new FileFormatException("model.byte_fallback is absent; only Gemma's BPE with byte fallback is supported", file);
    }

    private static bool IsSupported(string name, JsonElement value) =>
        name switch
        {
            "type" => IsText(value, "BPE"),
            "byte_fallback" => value.ValueKind == JsonValueKind.True,
            "ignore_merges" => value.ValueKind == JsonValueKind.False,
            "continuing_subword_prefix" or "end_of_word_suffix" => value.ValueKind == JsonValueKind.Null || IsText(value, ""),
            "dropout" => value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0),
            _ => true,
        };

    private static bool IsText(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.GetString() == text;

    private static bool IsReplace(JsonElement component, string pattern, string content) =>
        TypeOf(component) == "Replace"
        && PatternOf(component) == pattern
        && component.TryGetProperty("content", out var c)
        && IsText(c, content);

    private static string? TypeOf(JsonElement component) =>
        component.ValueKind == JsonValueKind.Object
        && component.TryGetProperty("type", out var type)
        && type.ValueKind == JsonValueKind.String
            ? type.GetString()
            : null;

    private static string? PatternOf(JsonElement component) =>
        component.TryGetProperty("pattern", out var pattern)
        && pattern.ValueKind == JsonValueKind.Object
        && pattern.TryGetProperty("String", out var text)
        && text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : null;

    private static FileFormatException Unsupported(string role, JsonElement component, string supported, string file) =>
        new($"{role} {TypeOf(component) ?? Short(component)} is not supported as it stands here; Gemma's form is: {supported}", file);

    private static string Short(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
            return "(absent)";
        var text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}

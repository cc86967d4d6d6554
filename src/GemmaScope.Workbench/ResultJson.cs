using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GemmaScope.Workbench;

/// <summary>
/// The one JSON form of results, which <c>--json</c>, the HTTP API and exports share: snake_case names in the order of the record's
/// properties, text readable as it is, every number finite or null.
/// </summary>
public static class ResultJson
{
    /// <summary>Compact, as it goes over a wire.</summary>
    public static JsonSerializerOptions Compact { get; } = Make(indented: false);

    /// <summary>Indented, as people read it.</summary>
    public static JsonSerializerOptions Indented { get; } = Make(indented: true);

    /// <summary>A result as indented text, without a line break at its end.</summary>
    public static string Text<T>(T result) => JsonSerializer.Serialize(result, Indented);

    /// <summary>A result on one line, without a line break at its end.</summary>
    public static string Line<T>(T result) => JsonSerializer.Serialize(result, Compact);

    private static JsonSerializerOptions Make(bool indented) =>
        new()
        {
            WriteIndented = indented,
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DictionaryKeyPolicy = null,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower), new FiniteDouble(), new FiniteSingle() },
        };

    /// <summary>JSON has no NaN and no infinity.</summary>
    private sealed class FiniteDouble : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteNullValue();
        }
    }

    /// <summary>The same with no more digits than an f32 has.</summary>
    private sealed class FiniteSingle : JsonConverter<float>
    {
        public override float Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? float.NaN : reader.GetSingle();

        public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
        {
            if (float.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteNullValue();
        }
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Hosting;

/// <summary>The JSON that the server reads and writes. It is written as all results are (<see cref="ResultJson"/>) and read strictly:
/// nothing unknown, nothing twice, no null for a number.</summary>
internal static class ServerJson
{
    /// <summary>Settings of the serializer.</summary>
    public static JsonSerializerOptions Options { get; } = Make(new JsonSerializerOptions());

    /// <summary>Puts the settings into others.</summary>
    public static JsonSerializerOptions Make(JsonSerializerOptions options)
    {
        var results = ResultJson.Compact;
        options.PropertyNamingPolicy = results.PropertyNamingPolicy;
        options.DictionaryKeyPolicy = results.DictionaryKeyPolicy;
        options.DefaultIgnoreCondition = results.DefaultIgnoreCondition;
        options.Encoder = results.Encoder;
        options.Converters.Clear();
        options.Converters.Add(new Given<double>(results));
        options.Converters.Add(new Given<float>(results));
        foreach (var converter in results.Converters)
            options.Converters.Add(converter);

        options.NumberHandling = JsonNumberHandling.Strict;
        options.PropertyNameCaseInsensitive = false;
        options.AllowDuplicateProperties = false;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        return options;
    }

    /// <summary>A number that is written as in results, where NaN is null; a request cannot give null for it.</summary>
    private sealed class Given<T>(JsonSerializerOptions results) : JsonConverter<T>
        where T : struct
    {
        private readonly JsonConverter<T> _results = (JsonConverter<T>)results.GetConverter(typeof(T));

        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number ? _results.Read(ref reader, typeToConvert, options) : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => _results.Write(writer, value, options);
    }
}

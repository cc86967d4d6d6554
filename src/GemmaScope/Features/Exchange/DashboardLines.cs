using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GemmaScope.Files;

namespace GemmaScope.Features.Exchange;

/// <summary>
/// Our own form: JSON lines under snake_case names. The first line is the <see cref="DashboardSource"/> under the name <c>source</c>, each
/// other one a
/// <see cref="LabelledDashboard"/> with everything that is known of it.
/// </summary>
public static class DashboardLines
{
    private const string SourceKey = "source";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        IgnoreReadOnlyProperties = true,
    };

    /// <summary>A feature as JSON.</summary>
    public static JsonNode ToJson(LabelledDashboard feature) => JsonSerializer.SerializeToNode(feature, Options)!;

    /// <summary>Writes a file, one feature at a time.</summary>
    public static void Write(Stream stream, IEnumerable<LabelledDashboard> features, DashboardSource source)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(JsonSerializer.Serialize(new Dictionary<string, DashboardSource> { [SourceKey] = source }, Options));
        foreach (var feature in features)
            writer.WriteLine(JsonSerializer.Serialize(feature, Options));
    }

    /// <summary>Whether a file is of this form.</summary>
    public static bool Is(string file) => JsonLines.Is(file) && JsonLines.Has(file, SourceKey);

    /// <summary>Reads a file: the source, and the features one at a time.</summary>
    /// <exception cref="FileFormatException">A line is none of these; thrown when it is reached.</exception>
    public static (DashboardSource Source, IEnumerable<LabelledDashboard> Features) Read(string file)
    {
        var source = JsonLines.Read(file).First().Element.GetProperty(SourceKey);
        return (
            Parse<DashboardSource>(source, file),
            JsonLines.Read(file).Skip(1).Select(line => Parse<LabelledDashboard>(line.Element, line.File))
        );
    }

    private static T Parse<T>(JsonElement json, string location)
    {
        try
        {
            return json.Deserialize<T>(Options)
                ?? throw new FileFormatException($"holds nothing where a {typeof(T).Name} is needed", location);
        }
        catch (JsonException problem)
        {
            throw new FileFormatException($"is no {typeof(T).Name}: {problem.Message}", location, problem);
        }
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace GemmaScope.Features.Exchange;

/// <summary>Our own form: JSON lines, one feature each with everything that is known of it, under snake_case names.</summary>
public static class DashboardLines
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        IgnoreReadOnlyProperties = true,
    };

    /// <summary>A line.</summary>
    public static string Write(LabelledDashboard feature) => JsonSerializer.Serialize(feature, Options);

    /// <summary>Reads a line.</summary>
    /// <param name="line">The JSON.</param>
    /// <param name="location">What messages name: file and line.</param>
    /// <exception cref="FileFormatException">It is no such object.</exception>
    public static LabelledDashboard Read(string line, string location)
    {
        try
        {
            return JsonSerializer.Deserialize<LabelledDashboard>(line, Options) is { Dashboard: not null, Labels: not null } feature
                ? feature : throw new FileFormatException("has no dashboard with labels", location);
        }
        catch (JsonException problem)
        {
            throw new FileFormatException($"is no dashboard: {problem.Message}", location, problem);
        }
    }
}

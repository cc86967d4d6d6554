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
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
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

    /// <summary>Reads a file: the source, and the features one at a time. Every value is checked (<see cref="DashboardForm"/>).</summary>
    /// <exception cref="FileFormatException">A line is none of these, or holds what cannot be; thrown when it is reached.</exception>
    public static (DashboardSource Source, IEnumerable<LabelledDashboard> Features) Read(string file)
    {
        var first = JsonLines.Read(file).FirstOrDefault() ?? throw new FileFormatException("holds no line", file);
        var section = first.Section(SourceKey) ?? throw first.Missing(SourceKey);
        var source = Parse<DashboardSource>(section.Element, first.File, $"{SourceKey}.");
        if (DashboardForm.Problems(source).FirstOrDefault() is { } problem)
            throw first.Bad($"{SourceKey}.{problem.Field}", problem.Problem);
        return (source, Features(file, source.Width));
    }

    private static IEnumerable<LabelledDashboard> Features(string file, int? width)
    {
        var known = new HashSet<int>();
        foreach (var line in JsonLines.Read(file).Skip(1))
        {
            var feature = Parse<LabelledDashboard>(line.Element, line.File, "");
            if (DashboardForm.Problems(feature, width).FirstOrDefault() is { } problem)
                throw line.Bad(problem.Field, problem.Problem);
            var (one, sum) = (feature.Dashboard, feature.Dashboard.Histogram.Sum(count => (long)count));
            if (one.Histogram.Count > 0 && sum != one.Count)
                throw line.Bad("dashboard.histogram", $"must count the {one.Count} positions where the feature fires, counts {sum}");
            if (one.Examples.FirstOrDefault(example => example.Start != 0) is not null)
                throw line.Bad("dashboard.examples", "must be whole, found an excerpt");
            if (!known.Add(one.Feature))
                throw line.Bad("dashboard.feature", $"comes twice: {one.Feature}");
            yield return feature;
        }
    }

    private static T Parse<T>(JsonElement json, string location, string prefix)
    {
        try
        {
            return json.Deserialize<T>(Options)
                ?? throw new FileFormatException($"holds nothing where a {typeof(T).Name} is needed", location);
        }
        catch (JsonException problem)
        {
            var path = problem.Path is ['$', '.', .. var inner] ? inner : "";
            throw new FileFormatException(
                problem.Message.Contains("missing required", StringComparison.Ordinal)
                    ? $"'{prefix}{path}' lacks {problem.Message[(problem.Message.LastIndexOf(':') + 1)..].Trim(' ', '.')}"
                    : $"'{prefix}{path}' is null, there twice, or of another type",
                location,
                problem
            );
        }
    }
}

using System.Text.Json;

namespace GemmaScope.Server.Studies;

/// <summary>A study in a list.</summary>
/// <param name="Name">Its name in addresses: that of its folder.</param>
/// <param name="Study">Which study it is; null where no file says it.</param>
/// <param name="Model">The model; null where no file says it.</param>
/// <param name="Written">When its result was written, or its last part.</param>
/// <param name="IsFinished">Whether there is a result that can be read.</param>
/// <param name="Parts">Parts that were measured.</param>
/// <param name="LastPart">The last of them; null where there is none.</param>
/// <param name="Findings">The numbers that a reader looks for first.</param>
/// <param name="Problem">What is wrong with its result; null for nothing.</param>
/// <param name="HasReport">Whether there is a page of it.</param>
internal sealed record StudyRun(
    string Name,
    string? Study,
    string? Model,
    DateTime Written,
    bool IsFinished,
    int Parts,
    string? LastPart,
    IReadOnlyList<ReadFinding> Findings,
    string? Problem,
    bool HasReport
);

/// <summary>A headline number of a study, as its result has it.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Value">The number.</param>
/// <param name="Control">The same of the control; null where it has none.</param>
internal sealed record ReadFinding(string What, ReadMean Value, ReadMean? Control)
{
    /// <summary>The findings of a result; those that are none are left out.</summary>
    public static IReadOnlyList<ReadFinding> Of(JsonElement result) =>
        result.ValueKind == JsonValueKind.Object
        && result.TryGetProperty("findings", out var findings)
        && findings.ValueKind == JsonValueKind.Array
            ?
            [
                .. findings
                    .EnumerateArray()
                    .Select(one =>
                        StudyJson.Text(one, "what") is { } what && ReadMean.Of(one, "value") is { } value
                            ? new ReadFinding(what, value, ReadMean.Of(one, "control"))
                            : null
                    )
                    .OfType<ReadFinding>(),
            ]
            : [];
}

/// <summary>A mean with its interval.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Low">Lower end; null where it is not known.</param>
/// <param name="High">Upper end.</param>
/// <param name="Count">Cases; null where it is not known.</param>
internal sealed record ReadMean(double Mean, double? Low, double? High, int? Count)
{
    /// <summary>A mean that a property holds: with its interval, or as a bare number; null where it is none.</summary>
    public static ReadMean? Of(JsonElement from, string name) =>
        from.ValueKind != JsonValueKind.Object || !from.TryGetProperty(name, out var value) ? null
        : StudyJson.Number(value) is { } bare ? new(bare, null, null, null)
        : StudyJson.Number(value, "mean") is { } mean
            ? new(mean, StudyJson.Number(value, "low"), StudyJson.Number(value, "high"), (int?)StudyJson.Number(value, "count"))
        : null;
}

/// <summary>What of JSON is of the kind that is looked for.</summary>
internal static class StudyJson
{
    public static string? Text(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    public static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    public static double? Number(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value) ? Number(value) : null;
}

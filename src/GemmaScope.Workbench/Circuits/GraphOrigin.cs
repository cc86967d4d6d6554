using System.Text.Json;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What a graph was made with, by the names that were given, so that it can be checked again; graphs of this program carry it in
/// their metadata, as <c>info.origin</c>. Files are shared: whole paths, which say how someone's machine is set up, are left out.</summary>
/// <param name="Model">The model; null where it was a whole path.</param>
/// <param name="Transcoders">The transcoders; none for the demo model's own; null where one was a whole path.</param>
/// <param name="Site">Where they read, of files that do not say it.</param>
/// <param name="PromptIds">The prompt in tokens.</param>
/// <param name="Targets">What it explains; none for the most likely next tokens.</param>
public sealed record GraphOrigin(
    string? Model,
    IReadOnlyList<string>? Transcoders,
    string? Site,
    IReadOnlyList<int> PromptIds,
    IReadOnlyList<string> Targets
)
{
    internal const string Field = "origin";

    /// <summary>What a graph says of it; null where it says nothing that can be read.</summary>
    public static GraphOrigin? Of(GraphDocument graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (Info(graph, Field) is not { } field)
            return null;
        try
        {
            // Whatever another program keeps under this name is not ours.
            return field.Deserialize<GraphOrigin>(ResultJson.Compact) is { PromptIds: not null, Targets: not null } origin ? origin : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The model that a graph names, so that it can be opened; null where it does not.</summary>
    public static string? ModelOf(GraphDocument graph) =>
        Of(graph)?.Model ?? (graph.Metadata.Scan is MicroscopeOptions.DemoModel or MicroscopeOptions.DemoChat ? graph.Metadata.Scan : null);

    internal static JsonElement Element(Microscope microscope, CircuitJobOptions options, ReplacementModel model) =>
        JsonSerializer.SerializeToElement(
            new GraphOrigin(
                Path.IsPathFullyQualified(microscope.ModelName) ? null : microscope.ModelName,
                options.Transcoders.Any(Path.IsPathFullyQualified) ? null : options.Transcoders,
                options.Site,
                model.Prompt,
                options.Targets
            ),
            ResultJson.Compact
        );

    /// <summary>A field of the metadata's <c>info</c>.</summary>
    internal static JsonElement? Info(GraphDocument graph, string name) =>
        graph.Metadata.Others?.TryGetValue("info", out var info) == true
        && info.ValueKind == JsonValueKind.Object
        && info.TryGetProperty(name, out var field)
            ? field
            : null;
}

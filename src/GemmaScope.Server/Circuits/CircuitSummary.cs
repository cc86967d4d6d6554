using System.Text.Json;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>A graph in a list.</summary>
/// <param name="Name">Its name in addresses.</param>
/// <param name="IsOwn">Whether it lies in the folder in which new ones are kept.</param>
/// <param name="Written">When its file was written.</param>
/// <param name="Prompt">The prompt; the name where it cannot be read.</param>
/// <param name="Figures">What else is known of it; null where it cannot be read.</param>
internal sealed record CircuitSummary(string Name, bool IsOwn, DateTime Written, string Prompt, CircuitFigures? Figures)
{
    /// <summary>Of a graph; null where it could not be read. Of a large one it is a part.</summary>
    public static CircuitSummary Of(string name, bool isOwn, DateTime written, GraphDocument? graph, GraphFile? whole = null) =>
        new(name, isOwn, written, graph?.Metadata.Prompt ?? name, graph is null ? null : CircuitFigures.Of(graph, whole));

    /// <summary>Whether all words of a search are in its prompt, name, model or targets.</summary>
    public bool Has(string[] words) =>
        words.All(word =>
            Name.Contains(word, StringComparison.OrdinalIgnoreCase)
            || Prompt.Contains(word, StringComparison.OrdinalIgnoreCase)
            || Figures is { } known
                && (
                    known.Model.Contains(word, StringComparison.OrdinalIgnoreCase)
                    || known.Targets.Any(target => target.Contains(word, StringComparison.OrdinalIgnoreCase))
                )
        );
}

/// <summary>What a graph holds and how far it can be trusted.</summary>
/// <param name="Model">The model, as the program that made it names it.</param>
/// <param name="Targets">What it explains, the likeliest first.</param>
/// <param name="Features">Nodes that are features.</param>
/// <param name="Errors">Nodes that are errors.</param>
/// <param name="Edges">Edges.</param>
/// <param name="Replacement">Replacement score, where it is known.</param>
/// <param name="Completeness">Completeness score, where it is known.</param>
/// <param name="IdentityError">The largest error of its sums, where it is known.</param>
/// <param name="Holds">Whether the sums are whole, as far as is known.</param>
internal sealed record CircuitFigures(
    string Model,
    IReadOnlyList<string> Targets,
    int Features,
    int Errors,
    int Edges,
    double? Replacement,
    double? Completeness,
    double? IdentityError,
    bool Holds
)
{
    private const int MostTargets = 5;

    /// <summary>Of a graph of any program.</summary>
    /// <param name="graph">The graph, or a part of a large one.</param>
    /// <param name="whole">The large one.</param>
    public static CircuitFigures Of(GraphDocument graph, GraphFile? whole = null)
    {
        int Count(GraphNodeKind kind) => graph.Nodes.Count(node => node.Kind == kind);
        return new(
            graph.Metadata.Scan,
            [.. GraphPaths.Targets(graph).Take(MostTargets).Select(target => TargetName(target))],
            whole?.Count(GraphNodeKind.Feature) ?? Count(GraphNodeKind.Feature),
            whole?.Count(GraphNodeKind.Error) ?? Count(GraphNodeKind.Error),
            (int)Math.Min(whole?.LinkCount ?? graph.Links.Count, int.MaxValue),
            Info(graph, "replacement_score")?.Number,
            Info(graph, "completeness_score")?.Number,
            Info(graph, "identity_error")?.Number,
            Info(graph, "identity_holds")?.IsFalse != true
        );
    }

    /// <summary>The word of <c>Output " States" (p=0.859)</c>, which the field writes around targets; else the label as it is.</summary>
    private static string TargetName(GraphDocumentNode target)
    {
        var label = target.Label.Length > 0 ? target.Label : target.NodeId;
        var (start, end) = (label.IndexOf('"'), label.LastIndexOf('"'));
        return label.StartsWith("Output ", StringComparison.Ordinal) && end > start ? label[(start + 1)..end] : label;
    }

    private static (double? Number, bool IsFalse)? Info(GraphDocument graph, string field) =>
        graph.Metadata.Others?.TryGetValue("info", out var info) == true
        && info.ValueKind == JsonValueKind.Object
        && info.TryGetProperty(field, out var found)
            ? (found.ValueKind == JsonValueKind.Number ? found.GetDouble() : null, found.ValueKind == JsonValueKind.False)
            : null;
}

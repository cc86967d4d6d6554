using System.Text.Json;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>How well predictions and measurements agree in one mode.</summary>
/// <param name="Mode">What stays as it was while a feature is off.</param>
/// <param name="Strongest">Over the strongest features; each with each target.</param>
/// <param name="Random">Over the random ones.</param>
public sealed record CircuitAgreement(InterventionMode Mode, EffectAgreement Strongest, EffectAgreement Random);

/// <summary>What interventions say of a graph; saved graphs carry it in their metadata, as <c>info.check</c>.</summary>
/// <param name="Agreement">Of predicted and measured effects, for each mode.</param>
/// <param name="Faithfulness">How much circuits of rising size do alone; null where that was not measured.</param>
public sealed record GraphCheck(IReadOnlyList<CircuitAgreement> Agreement, CircuitFaithfulnessResult? Faithfulness)
{
    private const string Info = "info",
        Field = "check";

    /// <summary>What a graph carries; null where it carries nothing that can be read.</summary>
    public static GraphCheck? Of(GraphDocument graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (GraphOrigin.Info(graph, Field) is not { } field)
            return null;
        try
        {
            // Whatever another program keeps under this name is not ours.
            return field.Deserialize<GraphCheck>(ResultJson.Compact) is { Agreement: not null } check && check.IsWhole ? check : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The graph with these figures.</summary>
    public GraphDocument Into(GraphDocument graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var others = new Dictionary<string, JsonElement>(graph.Metadata.Others ?? new Dictionary<string, JsonElement>());
        var info =
            others.TryGetValue(Info, out var old) && old.ValueKind == JsonValueKind.Object
                ? old.EnumerateObject().ToDictionary(field => field.Name, field => field.Value)
                : [];
        info[Field] = JsonSerializer.SerializeToElement(this, ResultJson.Compact);
        others[Info] = JsonSerializer.SerializeToElement(info);
        return graph with { Metadata = graph.Metadata with { Others = others } };
    }

    private bool IsWhole =>
        Agreement.All(one => one is { Strongest: not null, Random: not null })
        && (
            Faithfulness is null
            || Faithfulness.Curves?.All(curve => curve?.Points is { } points && points.All(point => point is not null)) == true
        );
}

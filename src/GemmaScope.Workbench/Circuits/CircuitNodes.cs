using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>
/// Names of nodes as users write them: <c>feature:3/120@5</c> (layer, index, position), <c>error:3@5</c>, <c>token@5</c>; targets as in
/// <see cref="CircuitJobOptions.Targets"/>.
/// </summary>
public static partial class CircuitNodes
{
    /// <summary>The field of a target node that holds its name as users write it; of logits the token tells.</summary>
    internal const string TargetField = "target";

    /// <summary>The name of a node of a graph file, or null where no name tells what it is: a target that another program made.</summary>
    public static string? NameOf(GraphDocument graph, GraphDocumentNode node)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(node);
        return node.Kind switch
        {
            GraphNodeKind.Feature => graph.FeatureOf(node) is var (layer, index)
                ? Invariant($"feature:{layer}/{index}@{node.Position}")
                : null,
            GraphNodeKind.Error => Invariant($"error:{node.Layer}@{node.Position}"),
            GraphNodeKind.Token => Invariant($"token@{node.Position}"),
            _ => node.Others?.TryGetValue(TargetField, out var name) == true && name.ValueKind == JsonValueKind.String ? name.GetString()
            : node.Feature is { } token ? Invariant($"#{token}")
            : null,
        };
    }

    /// <summary>The source that a name stands for.</summary>
    internal static GraphNode Source(string name, Setting setting)
    {
        if (Node().Match(name) is not { Success: true } match)
            throw new ArgumentProblemException(
                $"'{name}' names no source; write feature:LAYER/INDEX@POSITION, error:LAYER@POSITION or token@POSITION",
                setting
            );
        var position = Number("position");
        return match.Groups["index"].Success ? new(GraphNodeKind.Feature, Number("layer"), position, Number("index"))
            : match.Groups["layer"].Success ? new(GraphNodeKind.Error, Number("layer"), position, -1)
            : new(GraphNodeKind.Token, -1, position, -1);

        int Number(string group) =>
            int.TryParse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new ArgumentProblemException($"'{match.Groups[group].Value}' is too large", setting);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    [GeneratedRegex(@"^(feature:(?<layer>\d+)/(?<index>\d+)|error:(?<layer>\d+)|token)@(?<position>\d+)$")]
    private static partial Regex Node();
}

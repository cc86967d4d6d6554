using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>graph.json: every field of every node and link, read and made anew.</summary>
internal static class GraphDocumentChecks
{
    private const double Values = 1e-4;

    public static IEnumerable<Check> Verify(GraphCase one)
    {
        var wanted = GraphDocument.Read(one.File("graph.json"));
        var made = one
            .Graph.Prune(GraphCase.Number(one.Expected, "node_threshold"), GraphCase.Number(one.Expected, "edge_threshold"))
            .ToDocument(
                new()
                {
                    Slug = one.Text("name"),
                    Scan = one.Text("scan"),
                    TokenText = token => token == one.Host.Config.BosId ? "<bos>" : $" t{token}",
                }
            );
        // As a program that reads the file gets it.
        var got = JsonSerializer.SerializeToElement(made);
        var want = JsonSerializer.SerializeToElement(wanted);
        foreach (var part in (string[])["metadata", "qParams"])
        {
            var tally = new Tally($"graph.json {part}");
            foreach (var field in want.GetProperty(part).EnumerateObject())
                tally.Compare(
                    field.Name,
                    got.GetProperty(part).TryGetProperty(field.Name, out var value) ? value.GetRawText() : "nothing",
                    field.Value.GetRawText()
                );
            yield return tally.ToCheck();
        }
        foreach (var check in List("nodes", got, want).Concat(List("links", got, want)))
            yield return check;
        yield return Features(one, wanted);
    }

    /// <summary>Texts must be equal, numbers close.</summary>
    private static IEnumerable<Check> List(string name, JsonElement got, JsonElement want)
    {
        var tally = new Tally($"graph.json {name}");
        double worst = 0;
        JsonElement[] ours = [.. got.GetProperty(name).EnumerateArray()],
            theirs = [.. want.GetProperty(name).EnumerateArray()];
        tally.Compare("count", ours.Length, theirs.Length);
        foreach (var (i, (our, their)) in ours.Zip(theirs).Index())
        foreach (var field in their.EnumerateObject())
        {
            var value = our.TryGetProperty(field.Name, out var found) ? found : default;
            if (field.Value.ValueKind != JsonValueKind.Number || value.ValueKind != JsonValueKind.Number)
                tally.Compare(
                    $"{i}.{field.Name}",
                    value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText(),
                    field.Value.GetRawText()
                );
            else if (Math.Abs(value.GetDouble() - field.Value.GetDouble()) is var difference && !(difference <= worst))
                worst = difference;
        }
        yield return tally.ToCheck();
        yield return Check.Within($"graph.json numbers of {name}", worst, Values);
    }

    /// <summary>The indices that the reader makes of the numbers.</summary>
    private static Check Features(GraphCase one, GraphDocument document)
    {
        var tally = new Tally("graph.json features");
        foreach (var node in document.Nodes.Where(node => node.Kind == GraphNodeKind.Feature))
        {
            var (layer, index) = document.FeatureOf(node)!.Value;
            tally.Compare(node.NodeId, one.Model.Find(layer, node.Position, (int)index) is not null, true);
        }
        return tally.ToCheck();
    }
}

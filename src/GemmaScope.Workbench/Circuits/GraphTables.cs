using System.Globalization;
using System.Text;
using System.Xml;
using GemmaScope.Circuits;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>Writes graphs in forms that tables and graph programs read.</summary>
internal static class GraphTables
{
    private const string Json = ".json",
        GraphMl = ".graphml",
        Csv = ".csv",
        Name = "http://graphml.graphdrawing.org/xmlns";

    /// <summary>What is said of a node: a name, the type that GraphML gives it, and the value.</summary>
    private static readonly (string Name, string Type, Func<GraphDocument, GraphDocumentNode, string> Value)[] Fields =
    [
        ("type", "string", (_, node) => node.Kind.ToString().ToLowerInvariant()),
        ("layer", "string", (_, node) => node.Layer),
        ("position", "int", (_, node) => Number(node.Position)),
        ("token", "string", (graph, node) => graph.Metadata.PromptTokens.ElementAtOrDefault(node.Position) ?? ""),
        ("feature", "long", (graph, node) => graph.FeatureOf(node) is var (_, index) ? Number(index) : ""),
        ("label", "string", (_, node) => node.Label),
        ("influence", "double", (_, node) => node.Influence is { } influence ? Number(influence) : ""),
        ("activation", "double", (_, node) => node.Activation is { } activation ? Number(activation) : ""),
        ("probability", "double", (_, node) => node.Kind == GraphNodeKind.Target ? Number(node.Probability) : ""),
    ];

    /// <summary>The files that are made for a name.</summary>
    /// <exception cref="ArgumentProblemException">Its ending says no form.</exception>
    public static IReadOnlyList<string> Files(string path) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            Json or GraphMl => [path],
            Csv => [$"{path[..^Csv.Length]}.nodes{Csv}", $"{path[..^Csv.Length]}.edges{Csv}"],
            _ => throw new ArgumentProblemException(
                $"'{path}' says no form by its ending; give {Json}, {GraphMl} or {Csv}",
                new Setting(nameof(CircuitExportJobOptions.Out))
            ),
        };

    public static void Write(GraphDocument graph, string path, bool overwrite)
    {
        var files = Files(path);
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case Json:
                graph.Write(path, overwrite);
                break;
            case GraphMl:
                AtomicFile.Write(path, stream => WriteGraphMl(graph, stream), overwrite);
                break;
            default:
                AtomicFile.Write(files[0], stream => WriteRows(stream, Nodes(graph)), overwrite);
                AtomicFile.Write(files[1], stream => WriteRows(stream, Edges(graph)), overwrite);
                break;
        }
    }

    private static IEnumerable<IEnumerable<string>> Nodes(GraphDocument graph) =>
        graph
            .Nodes.Select(node => Fields.Select(field => field.Value(graph, node)).Prepend(node.NodeId))
            .Prepend(Fields.Select(field => field.Name).Prepend("id"));

    private static IEnumerable<IEnumerable<string>> Edges(GraphDocument graph) =>
        graph
            .Links.Select(link => (IEnumerable<string>)[link.Source, link.Target, Number(link.Weight)])
            .Prepend(["source", "target", "weight"]);

    /// <summary>As RFC 4180 has it.</summary>
    private static void WriteRows(Stream stream, IEnumerable<IEnumerable<string>> rows)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\r\n" };
        foreach (var row in rows)
            writer.WriteLine(string.Join(',', row.Select(Cell)));
    }

    private static string Cell(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n ") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    private static void WriteGraphMl(GraphDocument graph, Stream stream)
    {
        using var xml = XmlWriter.Create(stream, new() { Indent = true, Encoding = new UTF8Encoding(false) });
        xml.WriteStartElement("graphml", Name);
        foreach (var (name, type, _) in Fields)
            Key(xml, name, "node", type);
        Key(xml, "weight", "edge", "double");
        xml.WriteStartElement("graph", Name);
        xml.WriteAttributeString("id", Valid(graph.Metadata.Slug));
        xml.WriteAttributeString("edgedefault", "directed");
        foreach (var node in graph.Nodes)
        {
            xml.WriteStartElement("node", Name);
            xml.WriteAttributeString("id", Valid(node.NodeId));
            foreach (var (name, _, value) in Fields)
                Data(xml, name, value(graph, node));
            xml.WriteEndElement();
        }
        foreach (var link in graph.Links)
        {
            xml.WriteStartElement("edge", Name);
            xml.WriteAttributeString("source", Valid(link.Source));
            xml.WriteAttributeString("target", Valid(link.Target));
            Data(xml, "weight", Number(link.Weight));
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static void Key(XmlWriter xml, string name, string of, string type)
    {
        xml.WriteStartElement("key", Name);
        foreach (var (attribute, value) in new[] { ("id", name), ("for", of), ("attr.name", name), ("attr.type", type) })
            xml.WriteAttributeString(attribute, value);
        xml.WriteEndElement();
    }

    private static void Data(XmlWriter xml, string key, string value)
    {
        if (value.Length == 0)
            return;
        xml.WriteStartElement("data", Name);
        xml.WriteAttributeString("key", key);
        xml.WriteString(Valid(value));
        xml.WriteEndElement();
    }

    /// <summary>Tokens may hold signs that no XML file may.</summary>
    private static string Valid(string text)
    {
        var valid = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            valid.Append(rune.Value >= 0x20 || rune.Value is '\t' or '\n' or '\r' ? rune.ToString() : "\uFFFD");
        return valid.Replace('\uFFFE', '\uFFFD').Replace('\uFFFF', '\uFFFD').ToString();
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}

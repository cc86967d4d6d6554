using GemmaScope.Dictionaries;

namespace GemmaScope.Cli.Output;

/// <summary>Entries of the catalogue as a table and as properties.</summary>
internal static class CatalogueOutput
{
    public static void Write(Terminal terminal, IEnumerable<CatalogueEntry> entries)
    {
        var table = new DataTable(
            "name",
            "model",
            "kind",
            "reads",
            new("layer", true),
            new("width", true),
            new("L0", true),
            new("size", true),
            "canonical",
            "Neuronpedia"
        );
        foreach (var entry in entries)
            table.Add(
                entry.Name,
                entry.Model,
                $"{entry.Kind}",
                entry.InputKind,
                Layers(entry),
                entry.Width,
                entry.L0 ?? "-",
                Size(entry),
                entry.Canonical ? "yes" : "",
                entry.Neuronpedia ?? ""
            );
        table.Write(terminal);
    }

    public static void Write(Terminal terminal, CatalogueEntry entry) =>
        Properties.Write(
            terminal,
            ("name", entry.Name),
            (entry.Folder is null ? "hub" : "folder", entry.Reference),
            ("family", entry.Family),
            ("model", entry.Model),
            ("kind", $"{entry.Kind}"),
            ("reads", string.Join(", ", entry.InputSites)),
            ("writes", string.Join(", ", entry.OutputSites)),
            ("width", entry.Width),
            ("L0", entry.L0 ?? "unknown"),
            ("size", Size(entry)),
            ("canonical", entry.Canonical ? "yes" : "no"),
            ("Neuronpedia", entry.Neuronpedia ?? "unknown"),
            ("known", Known(entry.Source))
        );

    private static string Layers(CatalogueEntry entry) =>
        entry.Layers.ToArray() switch
        {
            [] => "-",
            [var one] => $"{one}",
            [var first, .., var last] => $"{first}-{last}",
        };

    private static string Size(CatalogueEntry entry) => entry.Bytes is { } bytes ? Format.Bytes(bytes) : "unknown";

    private static string Known(CatalogueSource source) =>
        source switch
        {
            CatalogueSource.Listed => "from the catalogue of SAELens (October 2025)",
            CatalogueSource.Local => "from the catalogue of its folder",
            CatalogueSource.Derived => "derived from the table of the release; the hub was not asked",
            _ => "seen on the hub",
        };
}

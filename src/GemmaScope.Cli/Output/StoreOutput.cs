using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Files;

namespace GemmaScope.Cli.Output;

/// <summary>What a store of activations holds, for people and for programs.</summary>
internal static class StoreOutput
{
    /// <summary>Bytes of all complete shards.</summary>
    public static long Bytes(ActivationStore store) =>
        store.Manifest.Parts.SelectMany(part => part.Buckets).Sum(bucket => bucket.Tokens.Bytes + bucket.Shards.Sum(shard => shard.Bytes));

    public static void Write(Terminal terminal, ActivationStore store)
    {
        var (contents, parts) = (store.Manifest.Contents, store.Manifest.Parts);
        Properties.Write(
            terminal,
            ("model", contents.Model),
            ("dtype", $"{contents.Type}, {Format.Arithmetic(contents.Arithmetic)} arithmetic"),
            ("rows", $"{store.Rows}{(store.IsComplete ? "" : $" of {parts.Sum(part => part.Rows)}, not complete")}"),
            (
                "text",
                $"{Format.Count(Harvests(store).Sum(harvest => harvest.Tokens))} tokens of {string.Join(", ", Harvests(store).SelectMany(harvest => harvest.Text).Distinct())}"
            ),
            ("size", Format.Bytes(Bytes(store)))
        );
        terminal.Out.WriteLine();
        var sites = new DataTable("site", new("width", true), new("scale C", true));
        foreach (var (site, width) in contents.Sites)
            sites.Add($"{site}", $"{width}", double.IsNaN(store.Scale(site)) ? "-" : Format.Defined(store.Scale(site), "0.####"));
        sites.Write(terminal);
        if (parts.Count == 1)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable("part", new("buckets", true), new("rows", true), new("of", true));
        foreach (var part in parts)
            table.Add(part.Folder, $"{part.Buckets.Count}", $"{part.RowsWritten}", $"{part.Rows}");
        table.Write(terminal);
    }

    public static void Write(Utf8JsonWriter json, ActivationStore store)
    {
        var contents = store.Manifest.Contents;
        json.WriteString("model", contents.Model);
        json.WriteString("model_sha256", contents.ModelHash);
        json.WriteString("dtype", SafetensorsTypes.NameOf(contents.Type));
        json.WriteString("arithmetic", Format.Arithmetic(contents.Arithmetic));
        json.WriteNumber("rows", store.Rows);
        json.WriteBoolean("complete", store.IsComplete);
        json.WriteNumber("bytes", Bytes(store));
        json.WriteNumber("tokens", Harvests(store).Sum(harvest => harvest.Tokens));
        json.Objects(
            "sites",
            contents.Sites,
            entry =>
            {
                json.WriteString("site", entry.Site.ToString());
                json.WriteNumber("width", entry.Width);
                json.Number("scale", store.Scale(entry.Site));
            }
        );
        json.Objects(
            "parts",
            store.Manifest.Parts,
            part =>
            {
                json.WriteString("folder", part.Folder);
                json.WriteNumber("part", part.Index);
                json.WriteNumber("parts", part.Harvest.Parts);
                json.WriteNumber("buckets", part.Buckets.Count);
                json.WriteNumber("rows", part.RowsWritten);
                json.WriteNumber("planned_rows", part.Rows);
                json.WriteNumber("context", part.Harvest.Context);
                json.WriteNumber("bucket_rows", part.Harvest.BucketRows);
                json.WriteNumber("seed", part.Harvest.Seed);
                json.Strings("text", part.Harvest.Text);
            }
        );
    }

    private static IEnumerable<HarvestDescription> Harvests(ActivationStore store) =>
        store.Manifest.Parts.Select(part => part.Harvest).DistinctBy(harvest => harvest.TextHash);
}

using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What a store of activations holds, for people and for programs.</summary>
internal static class StoreOutput
{
    public static void Write(Terminal terminal, StoreSummary store, bool json)
    {
        if (json)
            terminal.Data.WriteLine(ResultJson.Text(store));
        else
            Write(terminal, store);
    }

    public static void Write(Terminal terminal, StoreVerification found)
    {
        foreach (var (file, problem) in found.Problems)
            terminal.Out.WriteLine($"{file}: {problem}");
        terminal.Out.WriteLine(
            found.Problems.Count == 0
                ? $"{found.Rows} rows at {found.Sites} sites are whole{(found.IsComplete ? "" : "; the store is not complete")}"
                : $"{found.Problems.Count} problems"
        );
    }

    private static void Write(Terminal terminal, StoreSummary store)
    {
        var parts = store.Parts;
        Properties.Write(
            terminal,
            ("model", store.Model),
            ("dtype", $"{store.Store.Manifest.Contents.Type}, {Format.Arithmetic(store.Arithmetic)} arithmetic"),
            ("rows", $"{store.Rows}{(store.IsComplete ? "" : $" of {parts.Sum(part => part.PlannedRows)}, not complete")}"),
            ("text", $"{Format.Count(store.Tokens)} tokens of {string.Join(", ", parts.SelectMany(part => part.Text).Distinct())}"),
            ("size", Format.Bytes(store.Bytes))
        );
        terminal.Out.WriteLine();
        var sites = new DataTable("site", new("width", true), new("scale C", true));
        foreach (var (site, width, scale) in store.Sites)
            sites.Add(site, $"{width}", double.IsNaN(scale) ? "-" : Format.Defined(scale, "0.####"));
        sites.Write(terminal);
        if (parts.Count == 1)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable("part", new("buckets", true), new("rows", true), new("of", true));
        foreach (var part in parts)
            table.Add(part.Folder, $"{part.Buckets}", $"{part.Rows}", $"{part.PlannedRows}");
        table.Write(terminal);
    }
}

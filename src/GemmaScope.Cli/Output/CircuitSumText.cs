using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Logits and attention scores with what adds up to them, for people at a terminal.</summary>
internal static class CircuitSumText
{
    public static void Write(Terminal terminal, CircuitLogitsResult result, int top)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("target", $"{result.Target} after {Format.Quoted(result.Tokens[result.Position])} at {result.Position}"),
            ("logit", $"{result.Value:0.0000}{Cap(result)}"),
            ("parts", $"{result.Parts.Count + result.OtherParts}; they add up to the logit within {result.Error:0.0e0}")
        );
        terminal.Out.WriteLine();
        var components = new DataTable("component", new Column("adds", true));
        foreach (var part in result.Components.Take(top))
            components.Add(Words(part), Signed(part.Value));
        Others(components, result.Components.Count - top, result.Components.Skip(top).Sum(part => part.Value));
        components.Write(terminal);
        terminal.Out.WriteLine();
        var parts = new DataTable("part", new Column("adds", true));
        foreach (var part in result.Parts)
            parts.Add(Words(part), Signed(part.Value));
        Others(parts, result.OtherParts, result.OtherValue);
        parts.Write(terminal);
    }

    public static void Write(Terminal terminal, CircuitAttentionResult result)
    {
        string At(int position) => $"{Format.Quoted(result.Tokens[position])} at {position}";
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("head", $"{result.Layer}/{result.Head}: {At(result.Query)} looks at {At(result.Key)}"),
            ("attention", $"{result.Weight:0.0000}"),
            (
                "score",
                $"{result.Score:0.0000}{(result.CappedScore == result.Score ? "" : $" ({result.CappedScore:0.0000} after the cap)")}"
            ),
            ("pairs", $"{result.PairCount}; they add up to the score within {result.Error:0.0e0}")
        );
        terminal.Out.WriteLine();
        var pairs = new DataTable("query", "key", new Column("adds", true));
        foreach (var pair in result.Pairs)
            pairs.Add(Words(pair.Query, result.Tokens), Words(pair.Key, result.Tokens), Signed(pair.Value));
        pairs.Write(terminal);
        foreach (var (name, sources) in new[] { ("query", result.QuerySources), ("key", result.KeySources) })
        {
            terminal.Out.WriteLine();
            var table = new DataTable($"in the {name}", new Column("adds in all", true));
            foreach (var one in sources)
                table.Add(Words(one.Source, result.Tokens), Signed(one.Value));
            table.Write(terminal);
        }
    }

    public static void Write(Terminal terminal, CircuitEdgeResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("edge", $"{result.From} → {result.To}"),
            ("weight", Signed(result.Weight)),
            ("directly", $"{Signed(result.Direct)}, by the residual stream alone"),
            ("heads", $"{result.Heads.Count + result.OtherHeads}; with the direct part they add up to the edge within {result.Error:0.0e0}")
        );
        if (result.Heads.Count + result.OtherHeads == 0)
            return;
        terminal.Out.WriteLine();
        var heads = new DataTable("head", new Column("delivers", true), new Column("picks up", true), new Column("in all", true));
        foreach (var one in result.Heads)
            heads.Add($"{one.Layer}/{one.Head}", Signed(one.Last), Signed(one.First), Signed(one.Total));
        if (result.OtherHeads > 0)
            heads.Add($"{result.OtherHeads} others", Signed(result.OtherLast), Signed(result.OtherFirst), "");
        heads.Add("directly", Signed(result.Direct), Signed(result.Direct), "");
        heads.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            "delivers: it is the last head on the way to the target. picks up: it is the first. Both columns add up to the edge. "
                + "in all: every way through it; the edge without this head is smaller by so much."
        );
    }

    private static void Others(DataTable table, int count, double value)
    {
        if (count > 0)
            table.Add($"{count} {(count == 1 ? "other" : "others")}", Signed(value));
    }

    private static string Cap(CircuitLogitsResult result) =>
        result.CapSlope == 1 ? "" : $" ({result.BeforeCap:0.0000} before the cap, whose slope here is {result.CapSlope:0.000})";

    private static string Words(LogitPart part) =>
        part.Kind switch
        {
            LogitPartKind.Embedding => "embedding",
            LogitPartKind.Attention => $"attention of layer {part.Layer}",
            LogitPartKind.Mlp => $"MLP of layer {part.Layer}",
            LogitPartKind.Head => $"head {part.Layer}/{part.Index}",
            LogitPartKind.Feature => $"feature {part.Layer}/{part.Index}",
            LogitPartKind.Error => $"error of layer {part.Layer}",
            LogitPartKind.Bias => $"decoder bias of layer {part.Layer}",
            LogitPartKind.Skip => $"skip connection of layer {part.Layer}",
            LogitPartKind.LayerEmbedding => $"token's embedding for layer {part.Layer}",
            LogitPartKind.Constant => $"constant MLP of layer {part.Layer}",
            _ => "soft cap",
        };

    private static string Words(QueryKeySource source, IReadOnlyList<string> tokens) =>
        source.Kind switch
        {
            QueryKeySourceKind.Bias => "decoder biases",
            QueryKeySourceKind.Constant => "MLPs at constant positions",
            QueryKeySourceKind.Feature =>
                $"feature {source.Layer}/{source.Index} at {source.Position} {Format.Quoted(tokens[source.Position])}",
            QueryKeySourceKind.Error => $"error of layer {source.Layer} at {source.Position} {Format.Quoted(tokens[source.Position])}",
            _ => $"{Format.Quoted(tokens[source.Position])} at {source.Position}",
        };

    private static string Signed(double value) => $"{value:+0.0000;-0.0000;0.0000}";
}

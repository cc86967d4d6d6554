using GemmaScope.Circuits;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Circuits for people at a terminal.</summary>
internal static class CircuitText
{
    public static void Write(Terminal terminal, CircuitResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("transcoders", result.Transcoders.Count == 1 ? result.Transcoders[0] : $"{result.Transcoders.Count}, one a layer"),
            ("tokens", $"{result.Tokens.Count}"),
            ("features", $"{result.ActiveFeatures} fire, {result.Features} are in the graph"),
            ("pruned to", $"{result.KeptNodes} nodes, {result.KeptEdges} edges"),
            ("replacement score", Format.Defined(Finite(result.ReplacementScore), "0.000")),
            ("completeness score", Format.Defined(Finite(result.CompletenessScore), "0.000")),
            (
                "identity",
                $"{(result.IdentityHolds ? "holds" : "FAILS: the graph is not complete")} (largest error {result.IdentityError:0.0e0})"
            )
        );
        foreach (var target in result.Targets)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(VisibleText.Line($"{target.Name}  value {target.Value:0.00}, weight {target.Weight:0.000}"));
            Write(terminal, target.Paths);
        }
        Meaning(terminal);
    }

    public static void Write(Terminal terminal, GraphSummary graph)
    {
        Properties.Write(
            terminal,
            ("graph", VisibleText.Line(graph.Slug)),
            ("model", VisibleText.Line(graph.Model)),
            ("prompt", Format.Quoted(graph.Prompt)),
            ("nodes", $"{graph.Features} features, {graph.Errors} errors, {graph.Tokens} tokens, {graph.Targets.Count} targets"),
            ("edges", $"{graph.Links}")
        );
        foreach (var target in graph.Targets)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(VisibleText.Line(target.Name));
            Write(terminal, target.Paths);
        }
        Meaning(terminal);
    }

    public static void Write(Terminal terminal, CircuitCheckResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("targets", string.Join(", ", result.Targets.Select(VisibleText.Line))),
            ("replacement score", Format.Defined(Finite(result.ReplacementScore), "0.000")),
            ("completeness score", Format.Defined(Finite(result.CompletenessScore), "0.000")),
            ("identity", result.IdentityHolds ? "holds" : "FAILS: the graph is not complete")
        );
        terminal.Out.WriteLine();
        var table = new DataTable(
            "what stays as it was",
            "features",
            new Column("n", true),
            new Column("Spearman", true),
            new Column("sign agreement", true)
        );
        foreach (var mode in result.Agreement)
        foreach (var (name, one) in ((string, EffectAgreement)[])[("strongest", mode.Strongest), ("random", mode.Random)])
            table.Add(
                Words(mode.Mode),
                name,
                $"{one.Count}",
                Format.Defined(one.Spearman, "0.000"),
                one.SignAgreement is { } share ? $"{share:0.000} of {one.SignCount}" : "undefined"
            );
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("largest effects with nothing frozen:");
        var effects = new DataTable("feature", "at", "target", new Column("predicted", true), new Column("measured", true));
        foreach (var one in result.Effects.OrderByDescending(one => Math.Abs(one.Measured)).Take(10))
            effects.Add(
                $"{one.Layer}/{one.Feature}{(one.Strong ? "" : " (random)")}",
                $"{one.Position} {Format.Quoted(one.Token)}",
                one.Target,
                $"{one.Predicted:+0.000;-0.000;0.000}",
                $"{one.Measured:+0.000;-0.000;0.000}"
            );
        effects.Write(terminal);
    }

    private static void Write(Terminal terminal, IReadOnlyList<CircuitPathResult> paths)
    {
        foreach (var path in paths)
            terminal.Out.WriteLine(VisibleText.Line($"  {path.Share:0.000}  {path}"));
    }

    private static void Meaning(Terminal terminal)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("Before each path: the part of the target's contributions, in absolute amounts, that flows along it.");
    }

    private static string Words(InterventionMode mode) =>
        mode switch
        {
            InterventionMode.Constrained => "attention, norms, MLPs",
            InterventionMode.AttentionFrozen => "attention",
            _ => "nothing",
        };

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

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
            [
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
                ),
                .. result.Check is null ? [] : CircuitCheckText.Lines(result.Check),
            ]
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
            [
                ("graph", VisibleText.Line(graph.Slug)),
                ("model", VisibleText.Line(graph.Model)),
                ("prompt", Format.Quoted(graph.Prompt)),
                ("nodes", $"{graph.Features} features, {graph.Errors} errors, {graph.Tokens} tokens, {graph.Targets.Count} targets"),
                ("edges", $"{graph.Links}"),
                .. CircuitCheckText.Lines(graph.Check),
            ]
        );
        foreach (var target in graph.Targets)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(VisibleText.Line(target.Name));
            Write(terminal, target.Paths);
        }
        Meaning(terminal);
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

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

using GemmaScope.Circuits;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What interventions say of a graph, for people at a terminal.</summary>
internal static class CircuitCheckText
{
    public static void Write(Terminal terminal, CircuitCheckResult result)
    {
        Properties.Write(
            terminal,
            [
                ("model", result.Model),
                ("targets", string.Join(", ", result.Targets.Select(VisibleText.Line))),
                ("replacement score", Format.Defined(Finite(result.ReplacementScore), "0.000")),
                ("completeness score", Format.Defined(Finite(result.CompletenessScore), "0.000")),
                ("identity", result.IdentityHolds ? "holds" : "FAILS: the graph is not complete"),
                .. result.Activations is { } fires
                    ? [("features of the file", $"{fires.Firing} of {fires.Features} fire here{Difference(fires.LargestDifference)}")]
                    : ((string, string)[])[],
            ]
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
                CircuitWords.Of(mode.Mode),
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
        if (result.Faithfulness is { } faithfulness)
            Write(terminal, faithfulness);
    }

    /// <summary>What a graph carries, in a few lines.</summary>
    public static (string, string)[] Lines(GraphCheck? check)
    {
        if (check is null)
            return [("check", "none in this graph: how far it is true was not measured")];
        string Agreement(EffectAgreement one) =>
            $"Spearman {Format.Defined(one.Spearman, "0.000")} (n {one.Count}), signs {Format.Defined(one.SignAgreement, "0.000")} (n {one.SignCount})";
        string Curve(FaithfulnessCurve one) => $"CPR {Format.Defined(one.Cpr, "0.000")}, CMD {Format.Defined(one.Cmd, "0.000")}";
        return
        [
            .. check.Agreement.Select(one =>
                ($"fixed: {CircuitWords.Of(one.Mode)}", $"{Agreement(one.Strongest)}; random {Agreement(one.Random)}")
            ),
            .. (check.Faithfulness?.Curves ?? []).Select(one => (CircuitWords.Of(one.Kind), Curve(one))),
        ];
    }

    private static void Write(Terminal terminal, CircuitFaithfulnessResult result)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            "faithfulness: what the kept nodes bring back of the way from none of them to the whole model, where the targets' mean"
        );
        terminal.Out.WriteLine(
            $"is {result.Full:0.00}; all others are at their mean over {result.ReferenceTokens:#,0} tokens of other texts, with nothing frozen:"
        );
        var table = new DataTable([
            "nodes kept",
            new Column("of", true),
            new Column("none", true),
            .. FaithfulnessCurve.Sizes.Select(size => new Column(Percent(size), true)),
            new Column("CPR", true),
            new Column("CMD", true),
        ]);
        foreach (var curve in result.Curves)
            table.Add([
                CircuitWords.Of(curve.Kind),
                $"{curve.Nodes:#,0}",
                Short(curve.Empty),
                .. curve.Points.Select(point => Short(point.Helpful)),
                Short(curve.Cpr),
                Short(curve.Cmd),
            ]);
        table.Write(terminal);
        if (result.Curves.FirstOrDefault(curve => curve.CprRange is not null) is { } random)
            terminal.Out.WriteLine(
                $"random: CPR {random.CprRange!.Lowest:0.00} to {random.CprRange.Highest:0.00}, CMD {random.CmdRange!.Lowest:0.00} to {random.CmdRange.Highest:0.00}"
            );

        static string Percent(double share) => $"{100 * share:0.#}%";
        static string Short(double? value) => value is { } number ? $"{Math.Round(number, 2) + 0.0:0.00}" : "–";
    }

    private static string Difference(double? largest) =>
        largest is { } difference ? $"; activations differ by {100 * difference:0.##}% at most" : "";

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

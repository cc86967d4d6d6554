using GemmaScope.Circuits;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>What interventions said of a graph, in a line of its page's head that opens to all figures.</summary>
internal static class CheckLine
{
    public static Markup Of(GraphDocument graph) =>
        GraphCheck.Of(graph) is not { } check
            ? Markup.Of(
                $"<p class=\"strip-line\" id=\"checked\">not checked by intervention <span class=\"soft\">the command <code>circuit check</code> turns its features off and compares</span></p>"
            )
            : Markup.Of(
                $"""
                <details class="checked" id="checked"><summary>features turned off as predicted: rank correlation {Markup.Join(
                    check.Agreement.Select(
                        (one, i) => Markup.Of($"{(i > 0 ? " · " : "")}<b>{Number(one.Strongest.Spearman)}</b> <span class=\"soft\">{Mode(one.Mode)}</span>")
                    )
                )}{Alone(check)}</summary>
                <table><tr><th>predicted against measured</th><th>strongest</th><th>signs</th><th>random</th><th>signs</th></tr>
                {check.Agreement.Select(Agreement)}</table>
                {Faithfulness(check)}</details>
                """
            );

    private static Markup Alone(GraphCheck check) =>
        check.Faithfulness?.Curves.FirstOrDefault(curve => curve.Kind == FaithfulnessKind.Features) is { } features
            ? Markup.Of($" · features alone CPR <b>{Number(features.Cpr)}</b>, CMD <b>{Number(features.Cmd)}</b>")
            : Markup.Empty;

    private static Markup Agreement(CircuitAgreement one) =>
        Markup.Of($"<tr><td>{Mode(one.Mode)}</td>{Cells(one.Strongest)}{Cells(one.Random)}</tr>\n");

    private static Markup Cells(EffectAgreement one) =>
        Markup.Of(
            $"<td>{Number(one.Spearman)} <span class=\"soft\">n {one.Count}</span></td><td>{Number(one.SignAgreement)} <span class=\"soft\">n {one.SignCount}</span></td>"
        );

    private static Markup Faithfulness(GraphCheck check) =>
        check.Faithfulness is not { } found
            ? Markup.Empty
            : Markup.Of(
                $"""
                <table><tr><th>nodes kept, all others at their mean</th><th>of</th><th>CPR</th><th>CMD</th></tr>
                {found.Curves.Select(curve =>
                    Markup.Of($"<tr><td>{CircuitWords.Of(curve.Kind)}</td><td>{curve.Nodes:#,0}</td><td>{Number(curve.Cpr)}</td><td>{Number(curve.Cmd)}</td></tr>\n")
                )}</table>

                """
            );

    private static string Mode(InterventionMode mode) =>
        mode switch
        {
            InterventionMode.Constrained => "all else fixed",
            InterventionMode.AttentionFrozen => "attention fixed",
            _ => "nothing fixed",
        };

    private static string Number(double? value) => value is { } number ? $"{number:0.000}" : "undefined";
}

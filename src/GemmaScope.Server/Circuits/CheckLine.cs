using GemmaScope.Circuits;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>What interventions said of a graph, in a line of its page's head.</summary>
internal static class CheckLine
{
    public static Markup Of(GraphDocument graph) =>
        GraphCheck.Of(graph) is not { } check
            ? Markup.Of(
                $"<p class=\"strip-line\" id=\"checked\">not checked by intervention <span class=\"soft\">the command <code>circuit check</code> turns its features off and compares</span></p>"
            )
            : Markup.Of(
                $"<p class=\"strip-line\" id=\"checked\">features turned off, predicted against measured: {Markup.Join(check.Agreement.Select((one, i) => Markup.Of($"{(i > 0 ? " · " : "")}{Agreement(one)}")))}{Faithfulness(check)}</p>"
            );

    private static Markup Agreement(CircuitAgreement one) =>
        Markup.Of(
            $"Spearman <b>{Number(one.Strongest.Spearman)}</b> <span class=\"soft\">{Mode(one.Mode)}, n {one.Strongest.Count}; signs {Number(one.Strongest.SignAgreement)} of {one.Strongest.SignCount}; random {Number(one.Random.Spearman)}, n {one.Random.Count}; signs {Number(one.Random.SignAgreement)} of {one.Random.SignCount}</span>"
        );

    private static Markup Faithfulness(GraphCheck check)
    {
        FaithfulnessCurve? Curve(FaithfulnessKind kind) => check.Faithfulness?.Curves.FirstOrDefault(curve => curve.Kind == kind);
        if (Curve(FaithfulnessKind.Features) is not { } features)
            return Markup.Empty;
        return Markup.Of(
            $" · circuits of rising size: CPR <b>{Number(features.Cpr)}</b>, CMD <b>{Number(features.Cmd)}</b>{Beside("random features", Curve(FaithfulnessKind.RandomFeatures))}{Beside("neurons", Curve(FaithfulnessKind.Neurons))}"
        );
    }

    private static Markup Beside(string name, FaithfulnessCurve? curve) =>
        curve is null ? Markup.Empty : Markup.Of($" <span class=\"soft\">{name} {Number(curve.Cpr)}, {Number(curve.Cmd)}</span>");

    private static string Mode(InterventionMode mode) =>
        mode switch
        {
            InterventionMode.Constrained => "all else fixed",
            InterventionMode.AttentionFrozen => "attention fixed",
            _ => "nothing fixed",
        };

    private static string Number(double? value) => value is { } number ? $"{number:0.000}" : "undefined";
}

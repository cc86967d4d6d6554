using System.Globalization;
using GemmaScope.Evaluation;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What graphs of many prompts say, for people at a terminal.</summary>
internal static class CircuitStudyText
{
    private const int LongestLabel = 48,
        FewPairs = 10;

    public static void Write(Terminal terminal, CircuitScoreResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("prompts", $"{result.Prompts} of {result.Length} tokens"),
            ("in brackets", "95 % interval over prompts; more: than the first set, prompt by prompt")
        );
        terminal.Out.WriteLine();
        var table = new DataTable(
            "set",
            new Column("features", true),
            new Column("fire a token", true),
            new Column("replacement", true),
            new Column("completeness", true),
            new Column("more replacement", true),
            new Column("more completeness", true),
            new Column("complete graphs", true)
        );
        foreach (var one in result.Sets)
            table.Add(
                one.MissingLayers.Count == 0 ? one.Name : $"{one.Name} ({one.MissingLayers.Count} layers missing)",
                $"{one.Width:#,0}",
                $"{one.ActiveFeatures:0.0}",
                Estimate(one.Replacement, "0.000"),
                Estimate(one.Completeness, "0.000"),
                one.ReplacementGain is { } gain ? Estimate(gain, "+0.000;-0.000;0.000") : "",
                one.CompletenessGain is { } other ? Estimate(other, "+0.000;-0.000;0.000") : "",
                $"{one.Complete} of {result.Prompts}"
            );
        table.Write(terminal);
    }

    public static void Write(Terminal terminal, CircuitPairsResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("transcoders", result.Transcoders.Count == 1 ? result.Transcoders[0] : $"{result.Transcoders.Count}, one a layer")
        );
        foreach (var one in result.Cases)
            Write(terminal, one);
    }

    private static void Write(Terminal terminal, PairCase one)
    {
        terminal.Out.WriteLine();
        Properties.Write(
            terminal,
            ("case", one.Name.Length == 0 ? "all" : one.Name),
            ("pairs", $"{one.Pairs}, in {one.Right} the model is right after both prompts"),
            (
                "lead of the answer",
                one.Lead is null ? "undefined" : $"{Estimate(one.Lead)} after the prompt, {Estimate(one.OtherLead!)} after the other"
            ),
            (
                "graphs",
                one.Replacement is null
                    ? "none"
                    : $"{one.FoundOn}; replacement {one.Replacement.Mean:0.000}, completeness {one.Completeness!.Mean:0.000}"
            )
        );
        if (one.Features.Count == 0)
        {
            terminal.Out.WriteLine(
                one.Right == 0 ? "nothing to explain: the model does not know the answers" : "no feature tells the prompts apart"
            );
            return;
        }
        terminal.Out.WriteLine();
        var features = new DataTable(
            "feature",
            "at",
            new Column("effect", true),
            new Column("fires", true),
            new Column("after the other", true),
            "about"
        );
        foreach (var feature in one.Features)
            features.Add(
                $"{feature.Layer}/{feature.Feature}",
                feature.Changed ? "the changed words" : "the words of both",
                $"{feature.Effect:+0.000;-0.000}",
                $"{feature.Fires:0 %}",
                $"{feature.FiresInOther:0 %}",
                feature.Label is { } label ? VisibleText.Short(VisibleText.Line(label), LongestLabel) : ""
            );
        features.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"turned off on {one.TestedOn} pairs with other prompts; in brackets 95 % intervals{(one.TestedOn < FewPairs ? "; so few pairs show nothing" : "")}:"
        );
        var effects = new DataTable(
            "turned off",
            "stays as it was",
            new Column("fire", true),
            new Column("the lead falls by", true),
            new Column("by random ones", true),
            new Column("flips", true),
            new Column("random", true)
        );
        foreach (var effect in one.Effects)
            effects.Add(
                effect.Features is { } count
                    ? count == 1
                        ? "the strongest"
                        : $"the {count} strongest"
                    : "all at the changed words",
                CircuitWords.Of(effect.Mode),
                $"{effect.Fired:0.0}",
                Estimate(effect.Drop),
                effect.RandomDrop is { } random ? Estimate(random) : "",
                $"{effect.Flips:0 %}",
                effect.RandomFlips is { } flips ? $"{flips:0 %}" : ""
            );
        effects.Write(terminal);
    }

    private static string Estimate(MeanEstimate one, string digits = "+0.00;-0.00;0.00") =>
        $"{one.Mean.ToString(digits, CultureInfo.InvariantCulture)} [{one.Low.ToString(digits, CultureInfo.InvariantCulture)}, {one.High.ToString(digits, CultureInfo.InvariantCulture)}]";
}

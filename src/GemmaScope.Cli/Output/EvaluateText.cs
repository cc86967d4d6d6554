using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation for people: one line a dictionary.</summary>
internal static class EvaluateText
{
    public static void Write(Terminal terminal, EvaluateResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("tokens", $"{result.Tokens}, of which {result.ExcludedTokens} are left out: {result.Excluded}"),
            ("clean loss", result.Predictions > 0 ? $"{result.CeClean:0.0000} nats over {result.Predictions} predictions" : "not measured")
        );
        terminal.Out.WriteLine();
        var table = new DataTable(
            "dictionary",
            "site",
            new("L0", true),
            new("FVU", true),
            new("MSE", true),
            new("cosine", true),
            new("bias", true),
            new("delta loss", true),
            new("loss recovered", true),
            new("KL score", true),
            new("uniformity", true),
            new("dead", true),
            new("dense", true)
        );
        foreach (var one in result.Dictionaries)
            table.Add([
                one.Name,
                string.Join(" ", one.OutputSites),
                Number(one.L0, "0.0"),
                Number(one.Fvu),
                Number(one.Mse, "g4"),
                Number(one.Cosine),
                Number(one.ReconstructionBias),
                .. Losses(one.Costs),
                Number(one.Uniformity),
                $"{one.DeadFeatures}",
                $"{one.DenseFeatures}",
            ]);
        foreach (var set in result.Together)
            table.Add([set.Name, "", "", "", "", "", "", .. Losses(set.Costs), "", "", ""]);
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"dead: features that fired at none of {result.CountedTokens} tokens; dense: at more than 10 %");
        foreach (var one in result.Dictionaries)
        {
            var other = one.Compatibility;
            terminal.Out.WriteLine(
                $"only to compare, {one.Name}: tutorial's variance explained {Number(other.TutorialVarianceExplained)}, "
                    + $"L0 (f > 1) {Number(other.TutorialL0Above1, "0.0")}; "
                    + $"SAELens' explained_variance_legacy {Number(other.SaelensExplainedVarianceLegacy)}"
            );
        }
    }

    private static string[] Losses(SpliceCosts? costs) =>
        costs is null ? ["", "", ""] : [Number(costs.DeltaLoss, "0.0000"), Number(costs.LossRecovered), Number(costs.KlScore)];

    private static string Number(double value, string format = "0.000") => double.IsFinite(value) ? value.ToString(format) : "–";
}

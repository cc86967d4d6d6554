using GemmaScope.Evaluation;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation for people: one line a dictionary.</summary>
internal static class EvaluationText
{
    public static void Write(Terminal terminal, EvaluationView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Model),
            ("tokens", $"{view.Sums.Tokens}, of which {view.Excluded} are left out: {EvaluationView.LeftOut}"),
            (
                "clean loss",
                view.Clean.Predictions() > 0
                    ? $"{view.Clean.CrossEntropy():0.0000} nats over {view.Clean.Predictions()} predictions"
                    : "not measured"
            )
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
        foreach (var (name, dictionary, clean, spliced) in view.Rows)
            table.Add([
                name,
                string.Join(" ", dictionary.OutputSites),
                Number(clean.Sparsity.L0, "0.0"),
                Number(clean.Reconstruction.Fvu),
                Number(clean.Reconstruction.MeanSquaredError, "g4"),
                Number(clean.Reconstruction.CosineSimilarity),
                Number(clean.Reconstruction.ReconstructionBias),
                .. Losses(view, spliced),
                Number(clean.Uniformity.Mean),
                $"{clean.Sparsity.Dead}",
                $"{clean.Sparsity.DenserThan(0.1)}",
            ]);
        foreach (var set in view.Together)
            table.Add([set.Set.Name, "", "", "", "", "", "", .. Losses(view, set), "", "", ""]);
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"dead: features that fired at none of {view.Counted} tokens; dense: at more than 10 %");
        foreach (var (name, _, clean, _) in view.Rows)
            terminal.Out.WriteLine(
                $"only to compare, {name}: tutorial's variance explained {Number(clean.Tutorial.TutorialVarianceExplained)}, L0 (f > 1) {Number(clean.Sparsity.TutorialL0, "0.0")}; SAELens' explained_variance_legacy {Number(clean.SaeLensLegacyExplainedVariance)}"
            );
    }

    private static string[] Losses(EvaluationView view, SpliceEvaluation? set) =>
        set is null
            ? ["", "", ""]
            : [Number(view.DeltaLoss(set), "0.0000"), Number(view.LossRecovered(set)), Number(EvaluationView.KlScore(set))];

    private static string Number(double value, string format = "0.000") => double.IsFinite(value) ? value.ToString(format) : "–";
}

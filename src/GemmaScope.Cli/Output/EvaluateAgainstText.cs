using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>A comparison of two forms of a model for people.</summary>
internal static class EvaluateAgainstText
{
    private const int DiedShown = 10;

    public static void Write(Terminal terminal, EvaluateAgainstResult result)
    {
        Properties.Write(
            terminal,
            ("model", $"{result.Model}, weights {string.Join(", ", result.ModelWeights)}"),
            ("against", $"{result.Against}, weights {string.Join(", ", result.AgainstWeights)}"),
            ("tokens", $"{result.Tokens}, of which {result.ExcludedTokens} are left out (BOS and other special tokens)"),
            ("loss", result.Logits is { } logits ? Losses(logits) : "not measured"),
            ("likeliest token", result.Logits is { } same ? $"the same at {Digits.Percent(same.TopAgreement)}" : "not measured")
        );
        Residuals(terminal, result);
        if (result.Dictionaries.Count == 0)
            return;
        Features(terminal, result.Dictionaries);
        foreach (var one in result.Dictionaries)
            Trust(terminal, one);
    }

    private static string Losses(ComparedLogits logits) =>
        $"{logits.Ce:0.0000} nats, against {logits.CeAgainst:0.0000} ({logits.DeltaLoss:+0.0000;-0.0000;0}); KL {logits.Kl:0.00000} over "
        + $"{logits.Predictions} predictions";

    private static void Residuals(Terminal terminal, EvaluateAgainstResult result)
    {
        var table = new DataTable(new("layer", true), new("relative error", true), new("cosine", true), new("of the variance", true));
        foreach (var at in result.Residuals)
            table.Add($"{at.Layer}", Digits.Percent(at.RelativeError), Number(at.Cosine, "0.00000"), Digits.Percent(at.Fvu));
        terminal.Out.WriteLine();
        table.Write(terminal);
    }

    private static void Features(Terminal terminal, IReadOnlyList<ComparedDictionary> dictionaries)
    {
        var table = new DataTable(
            "dictionary",
            new("L0", true),
            new("against", true),
            new("FVU", true),
            new("against", true),
            new("survive", true),
            new("by noise", true),
            new("flips off", true),
            new("flips on", true),
            new($"top {dictionaries[0].Features.Top} kept", true),
            new("Pearson", true),
            new("died", true),
            new("margin rho", true),
            new("density rho", true)
        );
        foreach (var one in dictionaries)
            table.Add([one.Name, .. EvaluateAgainstPage.Numbers(one)]);
        terminal.Out.WriteLine();
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            "survive: firings (a feature at a token) that the other has too; flips: others, a token; died: features that fire"
        );
        terminal.Out.WriteLine(
            "in the model alone. By noise: activations moved as far in a random direction. rho: rank correlation of survival with"
        );
        terminal.Out.WriteLine("margin and density, over features that fire at least ten times.");
    }

    private static void Trust(Terminal terminal, ComparedDictionary one)
    {
        var table = new DataTable(["fires at", .. TrustColumns(one)]);
        foreach (var row in one.Trust.Where(row => row.Cells.Any(cell => cell.Firings > 0)))
            table.Add([
                $">= {Digits.Percent(row.DensityFrom)}",
                .. row.Cells.Select(cell => cell.Survival is { } share ? $"{Digits.Percent(share)} of {Format.Count(cell.Firings)}" : ""),
            ]);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"firings that survive, {one.Name}: by how often the feature fires, and by the margin (how far the activation"
        );
        terminal.Out.WriteLine("would have to move straight against the feature, as a share of its norm)");
        table.Write(terminal);
        ComparedFeature[] died = [.. one.Died];
        if (died.Length > 0)
            terminal.Out.WriteLine(
                $"died: {string.Join(", ", died.Take(DiedShown).Select(feature => $"{feature.Feature} (fired {feature.Firings})"))}"
                    + (died.Length > DiedShown ? $" and {died.Length - DiedShown} more" : "")
            );
    }

    private static IEnumerable<Column> TrustColumns(ComparedDictionary one) =>
        one.Trust[0].Cells.Select(cell => new Column($"margin >= {Digits.Percent(cell.MarginFrom)}", true));

    private static string Number(double value, string format = "0.000") => double.IsFinite(value) ? value.ToString(format) : "–";
}

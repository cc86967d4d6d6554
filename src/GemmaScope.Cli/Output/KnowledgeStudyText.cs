using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of knowledge for people.</summary>
internal static class KnowledgeStudyText
{
    private const int MostListed = 10;

    public static void Write(Terminal terminal, KnowledgeStudyResult result)
    {
        Properties.Write(terminal, ("model", result.Model), ("files", string.Join(", ", result.Files)));
        var findings = new DataTable("", new("measured", true), new("95 % interval", true), new("control", true));
        foreach (var one in result.Findings)
            findings.Add(one.What, StudyText.Short(one.Value), Ends(one.Value), StudyText.Short(one.Control));
        Section(terminal, findings);
        if (result.Truth is { } truth)
            Truth(terminal, truth);
        if (result.Facts is { } facts)
            Facts(terminal, facts);
        if (result.Entities is { } entities)
            Entities(terminal, entities);
        foreach (var trait in result.Traits)
            Trait(terminal, trait);
        StudyText.NotShown(terminal, result);
    }

    private static void Truth(Terminal terminal, KnowledgeTruth truth)
    {
        var scores = new DataTable("true from false (AUROC)", new("affirmed", true), new("negated", true));
        foreach (var one in truth.Scores)
            scores.Add(one.Name, Interval(one.Affirmed), Interval(one.Negated));
        Section(terminal, scores);
        terminal.Out.WriteLine(
            FormattableString.Invariant(
                $"calibration: ECE {truth.Raw.ExpectedError:0.000}, Brier {truth.Raw.Brier:0.000} as fitted; ECE {truth.Calibrated.ExpectedError:0.000}, Brier {truth.Calibrated.Brier:0.000} after a held-out fit"
            )
        );
        var table = new DataTable("known", new("says yes", true), new("says no", true), new("unreadable", true));
        foreach (var row in truth.Said.Table.GroupBy(cell => cell.Known))
            table.Add([row.Key, .. row.Select(cell => $"{cell.Statements} ({cell.True} true)")]);
        Section(terminal, table);
        if (truth.Said.Discrepancies.Count == 0)
            return;
        var listed = new DataTable(
            "said otherwise",
            "topic",
            "is",
            new("known true", true),
            new("says yes", true),
            new("confidence", true),
            ""
        );
        foreach (var one in truth.Said.Discrepancies.Take(MostListed))
            listed.Add(
                one.Id,
                one.Topic,
                one.IsTrue ? "true" : "false",
                Format.Defined(one.Known, "0.000"),
                Format.Defined(one.Said, "0.000"),
                Format.Defined(one.Confidence, "0.000"),
                one.Text ?? ""
            );
        Section(terminal, listed);
        if (truth.Said.Discrepancies.Count > MostListed)
            terminal.Out.WriteLine($"and {truth.Said.Discrepancies.Count - MostListed} more; the page has them");
    }

    private static void Facts(Terminal terminal, KnowledgeFacts facts)
    {
        var table = new DataTable("facts", new("said", true), new("not said", true));
        foreach (var known in (bool[])[true, false])
            table.Add([known ? "known" : "not known", .. ((bool[])[true, false]).Select(said => $"{Count(known, said)}")]);
        Section(terminal, table);

        int Count(bool known, bool said) =>
            facts.Rows.Count(one => one.Known.Rank <= facts.Rank == known && one.Said.Rank <= facts.Rank == said);
    }

    private static void Entities(Terminal terminal, KnowledgeEntities entities)
    {
        var scores = new DataTable(
            "known from unknown names (AUROC)",
            new("feature", true),
            "larger for",
            new("chosen by", true),
            new("tested", true),
            new("matched", true)
        );
        foreach (var one in entities.Scores)
            scores.Add(
                one.Name,
                $"{one.Feature}",
                one.Side,
                one.Selected is { } selected ? Format.Defined(selected, "0.000") : "",
                Interval(one.Unmatched),
                Interval(one.Matched)
            );
        Section(terminal, scores);
        terminal.Out.WriteLine($"{entities.Pairs} pairs of tested names match in length and frequency ({entities.Frequencies})");
        var steered = new DataTable("steering", "towards", new("log p of not knowing", true), new("words", true), new("before", true));
        foreach (var one in entities.Steered)
            steered.Add(one.Edit, one.Towards, Signed(one.Phrase), StudyText.Short(one.Words), StudyText.Short(one.WordsBefore));
        Section(terminal, steered);
    }

    private static void Trait(Terminal terminal, KnowledgeTrait trait)
    {
        var table = new DataTable(
            trait.Trait,
            new("fitted on plain", true),
            new("on other styles", true),
            new("without entropy, length", true),
            new("shuffled labels", true),
            new("p", true),
            ""
        );
        foreach (var one in trait.Shifts)
            table.Add(
                one.Style,
                Number(one.PlainAuroc),
                Number(one.Auroc),
                Number(one.Residual),
                Format.Defined(one.NullMean, "0.000"),
                Format.Defined(one.PValue, "0.000"),
                one.Survives ? "survives" : "dies"
            );
        Section(terminal, table);
        terminal.Out.WriteLine($"layer {trait.Layer}, {trait.Point}; bag of words {Number(trait.Words)}: {trait.Verdict}");
    }

    private static void Section(Terminal terminal, DataTable table)
    {
        terminal.Out.WriteLine();
        table.Write(terminal);
    }

    private static string Number(double? value) => value is { } number ? Format.Defined(number, "0.000") : "";

    private static string Ends(MeanEstimate value) => $"{Format.Defined(value.Low, "0.000")} to {Format.Defined(value.High, "0.000")}";

    private static string Interval(MeanEstimate? value) =>
        value is null ? "" : $"{StudyText.Short(value)} [{Number(value.Low)}, {Number(value.High)}]";

    private static string Signed(MeanEstimate? value) => value is null ? "" : Format.Defined(value.Mean, "+0.000;-0.000;0.000");
}

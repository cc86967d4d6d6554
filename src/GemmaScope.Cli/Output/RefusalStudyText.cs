using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of refusal for people.</summary>
internal static class RefusalStudyText
{
    public static void Write(Terminal terminal, RefusalStudyResult result)
    {
        var direction = result.Direction;
        Properties.Write(
            terminal,
            ("model", result.Model),
            (
                "prompts",
                string.Join(
                    ", ",
                    result.Parts.Where(part => part.Part == "test").Select(part => $"{part.Prompts} {part.Set.Replace('_', '-')}")
                ) + " to measure on"
            ),
            ("refusals", $"begin with {string.Join(", ", result.RefusalWords.Select(word => Format.Quoted(word)))}"),
            (
                "direction",
                $"layer {direction.Layer}"
                    + (direction.Position is { } position ? $", position {position} '{Token(result, position)}'" : "")
                    + $", {direction.Source}"
            ),
            (
                "candidates",
                result.Candidates.Count == 0 ? "none, it was given" : $"{result.Candidates.Count(one => one.IsDirection)} directions tried"
            ),
            ("silhouette", Best(result, layer => layer.Silhouette)),
            ("AUROC", Best(result, layer => layer.ProjectionAuroc))
        );
        terminal.Out.WriteLine();
        Effects(terminal, result);
        foreach (var one in result.Features)
            Features(terminal, one);
        StudyText.NotShown(terminal, result);
    }

    private static string Token(RefusalStudyResult result, int position) =>
        -position <= result.PostInstruction.Count ? result.PostInstruction[^-position].Replace("\n", "⏎", StringComparison.Ordinal) : "";

    private static string Best(RefusalStudyResult result, Func<RefusalLayer, double?> value)
    {
        var best = result.Layers.MaxBy(layer => value(layer) ?? double.NegativeInfinity)!;
        return FormattableString.Invariant(
            $"{value(result.Layers[result.Direction.Layer]):0.000} at its layer, {value(best):0.000} at best (layer {best.Layer})"
        );
    }

    private static void Effects(Terminal terminal, RefusalStudyResult result)
    {
        var hasOver = result.Effects[0].Sets.Count > 2;
        var table = new DataTable([
            "edit",
            "direction",
            new("strength", true),
            new("harmful refused", true),
            new("by words", true),
            .. result.Shield is null ? (Column[])[] : [new("violations", true)],
            new("harmless refused", true),
            new("by words", true),
            .. hasOver ? (Column[])[new("over-refusal", true), new("by words", true)] : [],
            new("KL", true),
            new("drift", true),
            .. result.Effects[0].Tasks is null ? (Column[])[] : [new("tasks", true)],
        ]);
        foreach (var one in result.Effects)
        {
            var (harmful, harmless) = (one.Sets[0], one.Sets[1]);
            var isClean = one.Strength == 0;
            table.Add([
                one.Edit,
                isClean ? "" : one.Direction,
                isClean ? "" : FormattableString.Invariant($"{one.Strength:0.##}"),
                StudyText.Short(harmful.FirstToken),
                StudyText.Short(harmful.Substring),
                .. result.Shield is null ? (string[])[] : [StudyText.Short(harmful.Violations)],
                StudyText.Short(harmless.FirstToken),
                StudyText.Short(harmless.Substring),
                .. hasOver ? (string[])[StudyText.Short(one.Sets[2].FirstToken), StudyText.Short(one.Sets[2].Substring)] : [],
                StudyText.Short(harmless.Kl),
                StudyText.Short(one.CrossEntropyDrift),
                .. one.Tasks is null ? (string[])[] : [StudyText.Short(one.Tasks)],
            ]);
        }
        table.Write(terminal);
    }

    private static void Features(Terminal terminal, RefusalFeatures one)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"{one.Dictionary} at {one.Site}");
        terminal.Out.WriteLine($"nearest to the direction (cosine): {List(one.Nearest, feature => feature.Cosine)}");
        terminal.Out.WriteLine($"add most to refusal (logits): {List(one.Attributed, feature => feature.Attribution)}");
        var table = new DataTable("clamp", "features", new("harmful score", true), new("harmless score", true), new("KL", true));
        foreach (var effect in one.Effects)
            table.Add(effect.Clamp, effect.Features, Signed(effect.HarmfulScore), Signed(effect.HarmlessScore), StudyText.Short(effect.Kl));
        table.Write(terminal);
    }

    private static string List(IEnumerable<RefusalFeature> features, Func<RefusalFeature, double> value) =>
        string.Join(", ", features.Select(one => FormattableString.Invariant($"{one.Feature} ({value(one):0.00})")));

    private static string Signed(MeanEstimate? value) => value is null ? "" : Format.Defined(value.Mean, "+0.000;-0.000;0.000");
}

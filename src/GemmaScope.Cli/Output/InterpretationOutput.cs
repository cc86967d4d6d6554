using System.Globalization;
using GemmaScope.Evaluation;
using GemmaScope.Features.Interpretation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What features are about and how well that is known, for people.</summary>
internal static class InterpretationOutput
{
    /// <summary>A line for a new label.</summary>
    public static void WriteLine(VisibleWriter writer, InterpretedFeature one)
    {
        if (one.Label is not { } label)
            return;
        writer.WriteLine($"{one.Feature, 7}  {Number(one.Detection), 4}  {Number(one.Fuzzing), 4}  {label.Text}");
        writer.Flush();
    }

    public static void Write(Terminal terminal, InterpretResult result)
    {
        var (fresh, labels) = (
            result.Features.Count(one => one is { IsNew: true, Label: not null }),
            result.Features.Count(one => one.Label is not null)
        );
        if (fresh > 0)
            terminal.Out.WriteLine();
        Properties.Write(
            terminal,
            [
                ("dictionary", $"{result.Model}/{result.Dictionary}"),
                ("explained by", $"{result.Author}, {result.Method}"),
                (
                    "held-out text",
                    $"{result.Passages} passages of {result.Window} tokens; {result.PassagesLeftOut} left out that the dashboards show"
                ),
                ("labels", $"{labels}, {fresh} of them new"),
                (
                    "without",
                    $"{result.Without(MissingLabel.Rare)} fire in fewer than {QuestionSet.Fewest} passages of a half, "
                        + $"{result.Without(MissingLabel.Unexplained)} without an explanation, "
                        + $"{result.Without(MissingLabel.Unjudged)} without a judgement, {result.Dead} dead"
                ),
                ("detection", Line(result.Detection)),
                ("fuzzing", Line(result.Fuzzing)),
                .. result.Asked ? (ReadOnlySpan<(string, string)>)[("requests", Requests(result))] : [],
                ("time", string.Create(CultureInfo.InvariantCulture, $"{result.Seconds:0.0} s")),
            ]
        );
        if (result.Kinds.Count > 0)
        {
            terminal.Out.WriteLine();
            var table = new DataTable("rule", new("features", true), new("detection", true), new("fuzzing", true));
            foreach (var kind in result.Kinds)
                table.Add(kind.Kind, $"{kind.Features}", Number(kind.Detection), Number(kind.Fuzzing));
            table.Write(terminal);
        }
        if (result.BudgetUsedUp)
            terminal.Error.WriteLine("the budget of requests is used up; the same command goes on with the features that are left");
    }

    private static string Line(InterpretationSummary summary) =>
        summary.Features == 0
            ? "undefined"
            : $"balanced accuracy {Number(summary.Mean)} on average, {Number(summary.Median)} in the middle, "
                + $"{Number(summary.FrequencyWeighted)} weighted by frequency; {summary.Features} features";

    private static string Requests(InterpretResult result) =>
        $"{result.Requests}, {result.Retries} of them repeated; {result.Tokens} tokens; "
        + $"{result.UnreadableDecisions} decisions could not be read";

    private static string Number(double? value) => value is { } number ? number.ToString("0.00", CultureInfo.InvariantCulture) : "–";
}

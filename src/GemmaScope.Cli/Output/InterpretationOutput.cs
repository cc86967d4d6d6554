using System.Globalization;
using System.Text.Json;
using GemmaScope.Cli.Interpretation;
using GemmaScope.Evaluation;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;

namespace GemmaScope.Cli.Output;

/// <summary>What features are about and how well that is known, for people and for programs.</summary>
internal static class InterpretationOutput
{
    /// <summary>A line for a new label.</summary>
    public static void WriteLine(TextWriter writer, InterpretedFeature one)
    {
        if (one.Label is not { } label)
            return;
        writer.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{one.Row.Feature, 7}  {Number(label.Score), 4}  {Number(label.Fuzzing), 4}  {Format.Visible(label.Text)}"
            )
        );
        writer.Flush();
    }

    public static void Write(Terminal terminal, InterpretationReport report)
    {
        var (fresh, labels) = (
            report.Features.Count(one => one is { IsNew: true, Label: not null }),
            report.Features.Count(one => one.Label is not null)
        );
        if (fresh > 0)
            terminal.Out.WriteLine();
        var chat = report.Endpoints.Count > 0 || report.Requests > 0;
        Properties.Write(
            terminal,
            [
                ("dictionary", $"{report.Dictionary.Model}/{report.Dictionary.Name}"),
                ("explained by", $"{report.Author}, {report.Method}"),
                (
                    "held-out text",
                    $"{report.Text.Count} passages of {report.Text.Window} tokens; {report.Text.LeftOut} left out that the dashboards show"
                ),
                ("labels", $"{labels}, {fresh} of them new"),
                (
                    "without",
                    $"{report.Without(InterpretationReport.Rare)} fire in fewer than {QuestionSet.Fewest} passages of a half, {report.Without(InterpretationReport.Unexplained)} without an explanation, {report.Without(InterpretationReport.Unjudged)} without a judgement, {report.Dead} dead"
                ),
                ("detection", Line(report.Detection)),
                ("fuzzing", Line(report.Fuzzing)),
                .. chat ? (ReadOnlySpan<(string, string)>)[("requests", Requests(report))] : [],
                ("time", string.Create(CultureInfo.InvariantCulture, $"{report.Seconds:0.0} s")),
            ]
        );
        if (report.Kinds.Count > 0)
        {
            terminal.Out.WriteLine();
            var table = new DataTable("rule", new("features", true), new("detection", true), new("fuzzing", true));
            foreach (var (kind, detection, fuzzing) in report.Kinds)
                table.Add(kind, $"{detection.Features + detection.Undefined}", Number(detection.Mean), Number(fuzzing.Mean));
            table.Write(terminal);
        }
        if (report.Stopped)
            terminal.Error.WriteLine("the budget of requests is used up; the same command goes on with the features that are left");
    }

    public static void Write(Utf8JsonWriter json, InterpretationReport report)
    {
        json.WriteString("model", report.Dictionary.Model);
        json.WriteString("dictionary", report.Dictionary.Name);
        json.WriteString("author", report.Author);
        json.WriteString("method", report.Method);
        json.WriteNumber("window", report.Text.Window);
        json.WriteNumber("passages", report.Text.Count);
        json.WriteNumber("passages_left_out", report.Text.LeftOut);
        json.WriteNumber("dead", report.Dead);
        json.WriteBoolean("budget_used_up", report.Stopped);
        json.Objects("features", report.Features, one => Feature(json, one));
        json.Object("detection", () => Summary(json, report.Detection));
        json.Object("fuzzing", () => Summary(json, report.Fuzzing));
        json.Objects(
            "kinds",
            report.Kinds,
            kind =>
            {
                json.WriteString("kind", kind.Kind);
                json.WriteNumber("features", kind.Detection.Features + kind.Detection.Undefined);
                json.Number("detection", kind.Detection.Mean);
                json.Number("fuzzing", kind.Fuzzing.Mean);
            }
        );
        json.WriteNumber("requests", report.Requests);
        json.WriteNumber("retries", report.Endpoints.Sum(endpoint => endpoint.Retries));
        json.WriteNumber("tokens", report.Endpoints.Sum(endpoint => endpoint.Tokens));
        json.WriteNumber("unreadable_answers", report.Endpoints.Sum(endpoint => endpoint.Unusable));
        json.WriteNumber("unreadable_decisions", report.Features.Sum(one => one.Unparsed));
        json.Number("seconds", report.Seconds);
    }

    private static void Feature(Utf8JsonWriter json, InterpretedFeature one)
    {
        json.WriteNumber("feature", one.Row.Feature);
        json.Number("density", one.Row.Density);
        json.WriteBoolean("new", one.IsNew);
        json.WriteString("label", one.Label?.Text);
        if (one.Missing is { } why)
            json.WriteString("missing", why);
        json.Number(FeatureLabel.DetectionScore, one.Label?.Score);
        json.Number(FeatureLabel.FuzzingScore, one.Label?.Fuzzing);
        json.WriteNumber("unreadable_decisions", one.Unparsed);
    }

    private static void Summary(Utf8JsonWriter json, InterpretationSummary summary)
    {
        json.WriteNumber("features", summary.Features);
        json.WriteNumber("undefined", summary.Undefined);
        json.Number("mean", summary.Mean);
        json.Number("median", summary.Median);
        json.Number("frequency_weighted", summary.FrequencyWeighted);
    }

    private static string Line(InterpretationSummary summary) =>
        summary.Features == 0
            ? "undefined"
            : $"balanced accuracy {Number(summary.Mean)} on average, {Number(summary.Median)} in the middle, {Number(summary.FrequencyWeighted)} weighted by frequency; {summary.Features} features";

    private static string Requests(InterpretationReport report) =>
        $"{report.Requests}, {report.Endpoints.Sum(endpoint => endpoint.Retries)} of them repeated; {report.Endpoints.Sum(endpoint => endpoint.Tokens)} tokens; "
        + $"{report.Features.Sum(one => one.Unparsed)} decisions could not be read";

    private static string Number(double? value) => value is { } number ? number.ToString("0.00", CultureInfo.InvariantCulture) : "–";
}

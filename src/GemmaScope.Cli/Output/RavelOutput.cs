using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What a RAVEL run found: of each dictionary all attributes.</summary>
internal sealed record RavelView(Microscope Laboratory, string Domain, IReadOnlyList<IReadOnlyList<RavelAttribute>> Reports)
{
    /// <summary>Each method's mean over the attributes where it is defined.</summary>
    public static IEnumerable<(string Method, double? Cause, double? Isolation, double? Score, int Attributes)> Means(
        IReadOnlyList<RavelAttribute> report
    ) =>
        report
            .SelectMany(attribute => attribute.Scores)
            .Where(score => score.Score is not null)
            .GroupBy(score => score.Method)
            .Select(group =>
                (
                    group.Key,
                    group.Average(score => score.Cause),
                    group.Average(score => score.Isolation),
                    group.Average(score => score.Score),
                    group.Count()
                )
            );
}

/// <summary>RAVEL for people and for programs.</summary>
internal static class RavelOutput
{
    public static void Write(Terminal terminal, RavelView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Laboratory.ModelName),
            ("domain", view.Domain),
            ("score", "mean of cause and isolation; swapping nothing has isolation 1 and cause 0")
        );
        for (var d = 0; d < view.Reports.Count; d++)
        {
            var report = view.Reports[d];
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                $"{view.Laboratory.DictionaryNames[d]}: the model answers {report.Sum(one => one.Known)} of {report.Sum(one => one.Asked)} questions rightly; only these are used"
            );
            var table = new DataTable(
                "attribute",
                new("known", true),
                new("of", true),
                new("entities", true),
                new("pairs (cause, isolation)", true),
                "method",
                new("features", true),
                new("cause", true),
                new("isolation", true),
                new("score", true)
            );
            foreach (var one in report)
            {
                string[] counts =
                [
                    Format.Visible(one.Attribute),
                    $"{one.Known}",
                    $"{one.Asked}",
                    $"{one.Entities}",
                    $"{one.CausePairs}, {one.IsolationPairs}",
                ];
                if (one.Scores.Count == 0)
                    table.Add([.. counts, "no pairs", "", "undefined", "undefined", "undefined"]);
                foreach (var (i, score) in one.Scores.Index())
                    table.Add([
                        .. i == 0 ? counts : ["", "", "", "", ""],
                        score.Method,
                        score.Features is { } features ? $"{features}" : "",
                        Number(score.Cause),
                        Number(score.Isolation),
                        Number(score.Score),
                    ]);
            }
            foreach (var (method, cause, isolation, score, attributes) in RavelView.Means(report))
                table.Add(["mean", "", "", "", $"over {attributes}", method, "", Number(cause), Number(isolation), Number(score)]);
            table.Write(terminal);
        }
    }

    public static void Write(Utf8JsonWriter json, RavelView view)
    {
        json.WriteString("model", view.Laboratory.ModelName);
        json.WriteString("domain", view.Domain);
        json.Objects(
            "dictionaries",
            view.Reports.Index(),
            report =>
            {
                json.WriteString("name", view.Laboratory.DictionaryNames[report.Index]);
                json.WriteNumber("questions", report.Item.Sum(one => one.Asked));
                json.WriteNumber("known", report.Item.Sum(one => one.Known));
                json.Objects(
                    "means",
                    RavelView.Means(report.Item),
                    mean =>
                    {
                        json.WriteString("method", mean.Method);
                        json.WriteNumber("attributes", mean.Attributes);
                        Scores(json, mean.Cause, mean.Isolation, mean.Score);
                    }
                );
                json.Objects(
                    "attributes",
                    report.Item,
                    one =>
                    {
                        json.WriteString("attribute", one.Attribute);
                        json.WriteNumber("questions", one.Asked);
                        json.WriteNumber("known", one.Known);
                        json.WriteNumber("entities", one.Entities);
                        json.WriteNumber("cause_pairs", one.CausePairs);
                        json.WriteNumber("isolation_pairs", one.IsolationPairs);
                        json.Objects(
                            "methods",
                            one.Scores,
                            score =>
                            {
                                json.WriteString("method", score.Method);
                                json.Number("features", score.Features);
                                Scores(json, score.Cause, score.Isolation, score.Score);
                            }
                        );
                    }
                );
            }
        );
    }

    private static void Scores(Utf8JsonWriter json, double? cause, double? isolation, double? score)
    {
        json.Number("cause", cause);
        json.Number("isolation", isolation);
        json.Number("score", score);
    }

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

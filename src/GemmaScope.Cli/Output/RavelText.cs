using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>RAVEL for people.</summary>
internal static class RavelText
{
    public static void Write(Terminal terminal, RavelResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("domain", result.Domain),
            ("score", "mean of cause and isolation; swapping nothing has isolation 1 and cause 0")
        );
        foreach (var dictionary in result.Dictionaries)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                $"{dictionary.Name}: the model answers {dictionary.Known} of {dictionary.Questions} questions rightly; only these are used"
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
            foreach (var one in dictionary.Attributes)
            {
                string[] counts =
                [
                    one.Attribute,
                    $"{one.Known}",
                    $"{one.Questions}",
                    $"{one.Entities}",
                    $"{one.CausePairs}, {one.IsolationPairs}",
                ];
                if (one.Methods.Count == 0)
                    table.Add([.. counts, "no pairs", "", "undefined", "undefined", "undefined"]);
                foreach (var (i, score) in one.Methods.Index())
                    table.Add([
                        .. i == 0 ? counts : ["", "", "", "", ""],
                        score.Method,
                        score.Features is { } features ? $"{features}" : "",
                        Number(score.Cause),
                        Number(score.Isolation),
                        Number(score.Score),
                    ]);
            }
            foreach (var mean in dictionary.Means)
                table.Add([
                    "mean",
                    "",
                    "",
                    "",
                    $"over {mean.Attributes}",
                    mean.Method,
                    "",
                    Number(mean.Cause),
                    Number(mean.Isolation),
                    Number(mean.Score),
                ]);
            table.Write(terminal);
        }
    }

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Absorption for people.</summary>
internal static class AbsorptionText
{
    public static void Write(Terminal terminal, AbsorptionResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            (
                "words",
                $"{result.Words} of {result.WordsGiven}: those of {Math.Max(1, result.MostTokens)} token"
                    + $"{(result.MostTokens == 1 ? "" : "s at most")}; read at their last token"
            ),
            ("prompt", $"{result.Examples} examples, then: word has the first letter:")
        );
        foreach (var one in result.Dictionaries)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                $"{one.Name}: full absorption {Number(one.FullRate)}, mean fraction {Number(one.MeanFraction)}, "
                    + $"over {one.ProbeRight} words that the probes get right without having seen them "
                    + $"(mean AUROC {Number(one.ProbeAuroc)})"
            );
            if (one.LettersLeftOut.Count > 0)
                terminal.Out.WriteLine($"too few words: {string.Join(' ', one.LettersLeftOut)}");
            var table = new DataTable(
                "letter",
                new("words", true),
                new("probe right", true),
                new("full", true),
                new("rate", true),
                new("mean fraction", true),
                new("splits", true),
                "main latents (of the first part)"
            );
            foreach (var letter in one.Letters)
                table.Add(
                    letter.Letter,
                    $"{letter.Words}",
                    $"{letter.ProbeRight}",
                    $"{letter.Full}",
                    Number(letter.FullRate),
                    Number(letter.MeanFraction),
                    $"{letter.Splits:0.0}",
                    string.Join(' ', letter.MainLatents[0])
                );
            table.Write(terminal);
        }
    }

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

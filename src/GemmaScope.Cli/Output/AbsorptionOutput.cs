using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What an absorption run found.</summary>
internal sealed record AbsorptionView(
    Microscope Laboratory,
    int Words,
    IReadOnlyList<SpellingPrompt> Prompts,
    int Examples,
    IReadOnlyList<FirstLetterReport> Reports
);

/// <summary>Absorption for people and for programs.</summary>
internal static class AbsorptionOutput
{
    public static void Write(Terminal terminal, AbsorptionView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Laboratory.ModelName),
            (
                "words",
                $"{view.Prompts.Count} of {view.Words}: those of {Math.Max(1, view.Prompts.Max(prompt => prompt.Tokens))} token{(view.Prompts.Max(prompt => prompt.Tokens) == 1 ? "" : "s at most")}; read at their last token"
            ),
            ("prompt", $"{view.Examples} examples, then: word has the first letter:")
        );
        for (var d = 0; d < view.Reports.Count; d++)
        {
            var report = view.Reports[d];
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                $"{view.Laboratory.DictionaryNames[d]}: full absorption {Number(report.Total.FullRate)}, mean fraction {Number(report.Total.MeanFraction)}, over {report.Total.Words} words that the probes get right without having seen them (mean AUROC {Number(report.ProbeAuroc)})"
            );
            if (report.LeftOut.Count > 0)
                terminal.Out.WriteLine($"too few words: {string.Join(' ', report.LeftOut)}");
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
            foreach (var letter in report.Letters)
                table.Add(
                    $"{letter.Letter}",
                    $"{letter.Words}",
                    $"{letter.Rate.Words}",
                    $"{letter.Rate.FullCount}",
                    Number(letter.Rate.FullRate),
                    Number(letter.Rate.MeanFraction),
                    $"{letter.Splits:0.0}",
                    string.Join(' ', letter.Main[0])
                );
            table.Write(terminal);
        }
    }

    public static void Write(Utf8JsonWriter json, AbsorptionView view)
    {
        json.WriteString("model", view.Laboratory.ModelName);
        json.WriteNumber("words", view.Prompts.Count);
        json.WriteNumber("words_given", view.Words);
        json.WriteNumber("words_of_one_token", view.Prompts.Count(prompt => prompt.Tokens == 1));
        json.WriteNumber("examples", view.Examples);
        json.Objects(
            "dictionaries",
            view.Reports.Index(),
            one =>
            {
                json.WriteString("name", view.Laboratory.DictionaryNames[one.Index]);
                Rate(json, one.Item.Total);
                json.Number("probe_auroc", one.Item.ProbeAuroc);
                json.Strings("letters_left_out", one.Item.LeftOut.Select(letter => $"{letter}"));
                json.Objects(
                    "letters",
                    one.Item.Letters,
                    letter =>
                    {
                        json.WriteString("letter", $"{letter.Letter}");
                        json.WriteNumber("words", letter.Words);
                        Rate(json, letter.Rate);
                        json.Number("splits", letter.Splits);
                        json.WriteStartArray("main_latents");
                        foreach (var part in letter.Main)
                        {
                            json.WriteStartArray();
                            foreach (var latent in part)
                                json.WriteNumberValue(latent);
                            json.WriteEndArray();
                        }
                        json.WriteEndArray();
                    }
                );
            }
        );
    }

    private static void Rate(Utf8JsonWriter json, AbsorptionRate rate)
    {
        json.WriteNumber("probe_right", rate.Words);
        json.WriteNumber("full", rate.FullCount);
        json.Number("full_rate", rate.FullRate);
        json.Number("mean_fraction", rate.MeanFraction);
    }

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

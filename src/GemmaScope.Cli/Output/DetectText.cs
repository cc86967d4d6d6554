using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Detection for people.</summary>
internal static class DetectText
{
    private const int LongestDescription = 50;

    private static readonly (string Heading, Func<DetectionAuroc, double?> Value)[] Methods =
    [
        ("labelled feature", auroc => auroc.LabelledFeature),
        ("best feature", auroc => auroc.BestFeature),
        ("difference of means", auroc => auroc.DifferenceOfMeans),
        ("probe", auroc => auroc.Probe),
        ("bag of words", auroc => auroc.BagOfWords),
    ];

    public static void Write(Terminal terminal, DetectResult result)
    {
        var sources = result.LabelledFeaturesOf;
        Properties.Write(
            terminal,
            ("model", result.Model),
            (
                "texts",
                $"{result.TrainingTexts} to learn from, {result.EvaluationTexts} to measure on; "
                    + "AUROC, features by their largest value over the tokens without BOS"
            ),
            ("labelled", sources.Length > 0 ? $"the set names features of {sources}" : "the set names no features")
        );
        foreach (var dictionary in result.Dictionaries)
        {
            var methods = dictionary.LabelledFeaturesApply ? Methods : Methods[1..];
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                dictionary.LabelledFeaturesApply || sources.Length == 0
                    ? dictionary.Name
                    : $"{dictionary.Name}: is not {sources}, so the features that the set names mean nothing here and are not used"
            );
            var table = new DataTable([
                new("concept", true),
                "described as",
                new("learned", true),
                new("measured", true),
                .. methods.Select(method => new Column(method.Heading, true)),
                new("feature", true),
            ]);
            foreach (var one in dictionary.Concepts)
                table.Add([
                    $"{one.Concept}",
                    VisibleText.Short(one.Description, LongestDescription),
                    $"{one.TrainingTexts}",
                    $"{one.EvaluationTexts}",
                    .. methods.Select(method => Number(method.Value(one.Auroc))),
                    $"{one.Feature}",
                ]);
            table.Add(["mean", "", "", "", .. methods.Select(method => Number(method.Value(dictionary.MeanAuroc))), ""]);
            table.Write(terminal);
        }
    }

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>What a detection run found: of each dictionary the scores of all concepts.</summary>
internal sealed record DetectionView(Microscope Laboratory, ConceptSet Set, IReadOnlyList<IReadOnlyList<ConceptScores>> Results)
{
    /// <summary>The columns: JSON name, heading, value.</summary>
    public static IReadOnlyList<(string Json, string Heading, Func<ConceptScores, double?> Value)> Methods { get; } =
    [
        ("labelled_feature", "labelled feature", scores => scores.Labelled),
        ("best_feature", "best feature", scores => scores.Best),
        ("difference_of_means", "difference of means", scores => scores.DiffMean),
        ("probe", "probe", scores => scores.Probe),
        ("bag_of_words", "bag of words", scores => scores.Words),
    ];

    /// <summary>Where the labelled features belong, in the set's words.</summary>
    public string Sources => string.Join(", ", Set.Concepts.Select(concept => concept.Source).OfType<string>().Distinct());

    public static bool HasLabelled(IReadOnlyList<ConceptScores> scores) => scores.Any(one => one.Labelled is not null);
}

/// <summary>Detection for people and for programs.</summary>
internal static class DetectionOutput
{
    private const int LongestDescription = 50;

    public static void Write(Terminal terminal, DetectionView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Laboratory.ModelName),
            (
                "texts",
                $"{view.Set.Train.Count} to learn from, {view.Set.Eval.Count} to measure on; AUROC, features by their largest value over the tokens without BOS"
            ),
            ("labelled", view.Sources.Length > 0 ? $"the set names features of {view.Sources}" : "the set names no features")
        );
        for (var d = 0; d < view.Results.Count; d++)
        {
            var scores = view.Results[d];
            var labelled = DetectionView.HasLabelled(scores);
            var methods = DetectionView.Methods.Where(method => labelled || method.Json != "labelled_feature").ToArray();
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                labelled || view.Sources.Length == 0
                    ? view.Laboratory.DictionaryNames[d]
                    : $"{view.Laboratory.DictionaryNames[d]}: is not {view.Sources}, so the features that the set names mean nothing here and are not used"
            );
            var table = new DataTable([
                new("concept", true),
                "described as",
                new("learned", true),
                new("measured", true),
                .. methods.Select(method => new Column(method.Heading, true)),
                new("feature", true),
            ]);
            foreach (var one in scores)
                table.Add([
                    $"{one.Concept.Id}",
                    Short(one.Concept.Description),
                    $"{one.Train.Rows}",
                    $"{one.Eval.Rows}",
                    .. methods.Select(method => Number(method.Value(one))),
                    $"{one.BestFeature}",
                ]);
            table.Add(["mean", "", "", "", .. methods.Select(method => Number(scores.Average(method.Value))), ""]);
            table.Write(terminal);
        }
    }

    public static void Write(Utf8JsonWriter json, DetectionView view)
    {
        json.WriteString("model", view.Laboratory.ModelName);
        json.WriteNumber("training_texts", view.Set.Train.Count);
        json.WriteNumber("evaluation_texts", view.Set.Eval.Count);
        json.WriteString("labelled_features_of", view.Sources);
        json.Objects(
            "dictionaries",
            view.Results.Index(),
            result =>
            {
                json.WriteString("name", view.Laboratory.DictionaryNames[result.Index]);
                json.WriteBoolean("labelled_features_apply", DetectionView.HasLabelled(result.Item));
                json.Object(
                    "mean_auroc",
                    () =>
                    {
                        foreach (var (name, _, value) in DetectionView.Methods)
                            json.Number(name, result.Item.Average(value));
                    }
                );
                json.Objects(
                    "concepts",
                    result.Item,
                    one =>
                    {
                        json.WriteNumber("concept", one.Concept.Id);
                        json.WriteString("description", one.Concept.Description);
                        json.WriteNumber("training_texts", one.Train.Rows);
                        json.WriteNumber("training_positives", one.Train.Positives);
                        json.WriteNumber("evaluation_texts", one.Eval.Rows);
                        json.WriteNumber("evaluation_positives", one.Eval.Positives);
                        json.WriteNumber("feature", one.BestFeature);
                        json.Object(
                            "auroc",
                            () =>
                            {
                                foreach (var (name, _, value) in DetectionView.Methods)
                                    json.Number(name, value(one));
                            }
                        );
                    }
                );
            }
        );
    }

    private static string Short(string text) => Format.Visible(text.Length <= LongestDescription ? text : text[..LongestDescription] + "…");

    private static string Number(double? value) => Format.Defined(value, "0.000");
}

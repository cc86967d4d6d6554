using System.Text.Json;
using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>A headline report for programs.</summary>
internal static class HeadlinesJson
{
    public static void Write(Utf8JsonWriter json, HeadlinesView view)
    {
        json.WriteString("model", view.Model);
        json.WriteString("dictionary", view.Dictionary);
        json.WriteString("formula", HeadlineAnalyzer.Formula);
        json.WriteNumber("density_tokens", view.Tokens);
        json.WriteString("topic_source", view.Rule.Description);
        json.WriteString("warning", view.Rule.Warning);
        json.Strings("topics", view.Topics);
        if (view.Validation is { } validation)
            json.Object("validation", () => Write(json, validation));
        else
            json.WriteNull("validation");
        json.Objects("headlines", view.Headlines, headline => Write(json, view, headline));
    }

    private static void Write(Utf8JsonWriter json, HeadlinesView view, AnalyzedHeadline headline)
    {
        json.WriteString("headline", headline.Text);
        json.WriteString("given_topic", headline.Reading.Headline.Topic);
        json.WriteString("topic", headline.Topic.Topic);
        json.Number("score", headline.Topic.Score);
        json.Object(
            "scores",
            () =>
            {
                foreach (var (topic, score) in headline.Topic.Scores)
                    json.Number(topic, score);
            }
        );
        json.Objects(
            "evidence",
            headline.Topic.Evidence,
            evidence =>
            {
                Feature(json, view, headline, evidence.Feature, evidence.Position);
                json.Number("contribution", evidence.Contribution);
            }
        );
        json.Objects(
            "top_features",
            headline.Top,
            feature =>
            {
                Feature(json, view, headline, feature.Feature, feature.Position);
                json.Number("score", feature.Score);
                json.Number("sum", feature.Sum);
                json.Number("density", feature.Density);
            }
        );
    }

    private static void Feature(Utf8JsonWriter json, HeadlinesView view, AnalyzedHeadline headline, int feature, int position)
    {
        json.WriteNumber("feature", feature);
        json.WriteString("token", headline.TokenText(position));
        json.WriteNumber("position", position);
        json.WriteString("label", view.Label(feature));
        json.WriteString("page", view.Page(feature));
        json.WriteString("neuronpedia", view.Neuronpedia(feature));
    }

    private static void Write(Utf8JsonWriter json, TopicValidation validation)
    {
        json.WriteNumber("training_rows", validation.TrainingRows);
        json.WriteNumber("held_out_rows", validation.HeldOutRows);
        json.WriteString("split", validation.Split);
        json.Number("majority_accuracy", validation.Majority);
        json.Objects(
            "methods",
            validation.Methods,
            method =>
            {
                json.WriteString("method", method.Method);
                json.Number("accuracy", method.Accuracy);
                json.Number("auroc", method.Auroc);
                json.Number("named", method.Known);
                json.Number("accuracy_where_named", method.AccuracyWhereKnown);
            }
        );
    }
}

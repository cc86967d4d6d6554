using System.Text.Json;
using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>An analysis for programs; every value of it.</summary>
internal static class AnalysisJson
{
    public static void Write(Utf8JsonWriter json, AnalysisView view, int? feature)
    {
        var analysis = view.Analysis;
        json.WriteString("model", analysis.Model);
        json.WriteString("dictionary", analysis.Dictionary);
        json.WriteString("family", analysis.Family);
        json.WriteNumber("width", analysis.Width);
        json.Strings("input_sites", analysis.InputSites);
        json.Strings("output_sites", analysis.OutputSites);
        json.WriteString("arithmetic", analysis.Arithmetic);
        json.WriteString("kernels", analysis.Kernels);
        json.Strings("warnings", analysis.Warnings);
        json.WriteString("text", analysis.Text);
        json.Integers("excluded_positions", analysis.ExcludedPositions);
        json.Number("mean_l0", analysis.MeanL0);
        json.Number("fvu", analysis.Fvu);
        json.Number("tutorial_variance_explained", analysis.TutorialVarianceExplained);
        json.Number("bos_norm", analysis.BosNorm);
        json.Number("mean_norm", analysis.MeanNorm);
        json.Objects("tokens", analysis.Tokens, token => Write(json, view, token, feature));
        json.Objects(
            "whole_text_top",
            view.TopFeatures,
            top =>
            {
                Write(json, view, top.Report, "sum");
                json.Number("largest", top.Largest);
                json.WriteNumber("largest_position", top.At);
                json.WriteNumber("tokens", top.Tokens);
            }
        );
        json.Objects(
            "next_tokens",
            analysis.Next,
            next =>
            {
                json.WriteNumber("id", next.Id);
                json.WriteString("piece", next.Piece);
                json.Number("logit", next.Logit);
            }
        );
    }

    private static void Write(Utf8JsonWriter json, AnalysisView view, TokenReport token, int? feature)
    {
        json.WriteNumber("position", token.Position);
        json.WriteNumber("id", token.Id);
        json.WriteString("piece", token.Piece);
        json.Number("start", token.Start);
        json.Number("end", token.End);
        json.WriteBoolean("counted", token.Counted);
        json.WriteNumber("l0", token.L0);
        json.Number("norm", token.Norm);
        if (feature is { } chosen)
            json.Number($"feature_{chosen}", view.Analysis.Features.Value(token.Position, chosen));
        json.Objects("top_features", token.Top, report => Write(json, view, report, "activation"));
    }

    private static void Write(Utf8JsonWriter json, AnalysisView view, FeatureReport feature, string value)
    {
        json.WriteNumber("feature", feature.Index);
        json.Number(value, feature.Activation);
        json.WriteString("label", feature.Label);
        json.WriteString("page", view.Page(feature));
        json.WriteString("neuronpedia", feature.Neuronpedia);
    }
}

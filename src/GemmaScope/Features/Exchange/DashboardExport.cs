using System.Text.Encodings.Web;
using System.Text.Json;
using GemmaScope.Features.Statistics;

namespace GemmaScope.Features.Exchange;

/// <summary>Writes dashboards in the forms of other programs. Values are not rounded.</summary>
public static class DashboardExport
{
    private const double DefaultSteerStrength = 10;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A feature as Neuronpedia's site stores it and hands it out.</summary>
    public static void WriteNeuronpedia(Stream stream, LabelledDashboard feature, DashboardSource source)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        WriteNeuronpedia(json, feature, source);
    }

    /// <summary>A batch file of SAEDashboard's exporter for Neuronpedia.</summary>
    public static void WriteSaeDashboard(Stream stream, IEnumerable<LabelledDashboard> features, DashboardSource source)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        json.WriteString("model_id", source.Model);
        json.WriteNumber("layer", source.Layer);
        json.WriteString("sae_set", source.Set);
        json.WriteStartArray("features");
        foreach (var feature in features)
        {
            WriteSaeDashboard(json, feature.Dashboard, source);
            json.Flush();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Examples and promoted words in the form that graph viewers read beside an attribution graph.</summary>
    public static void WriteFeatureDetails(Stream stream, LabelledDashboard feature, DashboardSource source)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        WriteDetails(json, feature.Dashboard, source);
    }

    private static void WriteNeuronpedia(Utf8JsonWriter json, LabelledDashboard feature, DashboardSource source)
    {
        var one = feature.Dashboard;
        json.WriteStartObject();
        Name(json, one, source);
        json.WriteString("sourceSetName", source.Set);
        json.WriteString("hookName", source.Hook);
        json.WriteNumber("maxActApprox", one.Max);
        json.WriteBoolean("hasVector", feature.Vector is not null);
        DashboardFields.Numbers(json, "vector", feature.Vector ?? []);
        json.WriteNull("vectorLabel");
        json.WriteNumber("vectorDefaultSteerStrength", DefaultSteerStrength);
        DashboardFields.Integers(json, "topkCosSimIndices", one.Neighbours.Select(near => near.Feature));
        DashboardFields.Numbers(json, "topkCosSimValues", one.Neighbours.Select(near => near.Cosine));
        DashboardFields.Write(json, one, source);
        json.WriteStartArray("activations");
        foreach (var example in one.Examples)
            WriteNeuronpedia(json, one, example, source);
        json.WriteEndArray();
        json.WriteStartArray("explanations");
        foreach (var label in feature.Labels)
            WriteLabel(json, one, label, source);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Name(Utf8JsonWriter json, FeatureDashboard one, DashboardSource source)
    {
        json.WriteString("modelId", source.Model);
        json.WriteString("layer", source.Name);
        json.WriteString("index", $"{one.Feature}");
    }

    private static void WriteNeuronpedia(Utf8JsonWriter json, FeatureDashboard one, FeatureExample example, DashboardSource source)
    {
        var (names, (tokens, values, shift)) = (ExportDialect.Neuronpedia, DashboardFields.Shown(example, source));
        var (max, sources) = (values.Length > 0 ? values.Max() : 0, Sources(example, shift, values.Length));
        json.WriteStartObject();
        Name(json, one, source);
        json.WriteString("dataIndex", $"{example.Sequence}");
        DashboardFields.Strings(json, "tokens", tokens);
        DashboardFields.Numbers(json, "values", values);
        json.WriteNumber("maxValue", max);
        json.WriteNumber("maxValueTokenIndex", Math.Max(0, Array.IndexOf(values, max)));
        json.WriteNumber("minValue", values.Length > 0 ? values.Min() : 0);
        DashboardFields.Bin(json, names, one, example);
        json.WriteNumber(names.Qualifying, example.Position - shift);
        DashboardFields.Numbers(json, names.SourceValues, sources);
        if (sources.Length > 0)
            json.WriteNumber(names.SourceMaximum, sources.Max());
        else
            json.WriteNull(names.SourceMaximum);
        if (sources.Length > 0)
            json.WriteNumber(names.SourceTarget, example.Position - shift);
        else
            json.WriteNull(names.SourceTarget);
        json.WriteEndObject();
    }

    private static void WriteLabel(Utf8JsonWriter json, FeatureDashboard one, FeatureLabel label, DashboardSource source)
    {
        json.WriteStartObject();
        Name(json, one, source);
        json.WriteString("description", label.Text);
        json.WriteString("explanationModelName", label.Author);
        json.WriteString("typeName", label.Method);
        json.WriteStartArray("scores");
        WriteScore(label.Score, label.ScoreKind);
        WriteScore(label.Fuzzing, FeatureLabel.FuzzingScore);
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteScore(double? value, string? kind)
        {
            if (value is not { } score)
                return;
            json.WriteStartObject();
            json.WriteNumber("value", score);
            json.WriteString("explanationScoreTypeName", kind);
            json.WriteEndObject();
        }
    }

    private static void WriteSaeDashboard(Utf8JsonWriter json, FeatureDashboard one, DashboardSource source)
    {
        json.WriteStartObject();
        json.WriteNumber("feature_index", one.Feature);
        DashboardFields.Write(json, one, source);
        json.WriteNumber("n_prompts_total", source.Corpus.Sequences);
        json.WriteNumber("n_tokens_in_prompt", source.Corpus.LongestSequence);
        json.WriteString("dataset", source.Text);
        json.WriteStartArray("activations");
        var names = ExportDialect.SaeDashboard;
        foreach (var example in one.Examples)
        {
            var (tokens, values, shift) = DashboardFields.Shown(example, source);
            var sources = Sources(example, shift, values.Length);
            json.WriteStartObject();
            DashboardFields.Bin(json, names, one, example);
            DashboardFields.Strings(json, "tokens", tokens);
            DashboardFields.Numbers(json, "values", values);
            json.WriteNumber(names.Qualifying, example.Position - shift);
            DashboardFields.Numbers(json, names.SourceValues, sources);
            json.WriteNumber(names.SourceMaximum, sources.Length > 0 ? sources.Max() : 0);
            json.WriteNumber(names.SourceTarget, sources.Length > 0 ? example.Position - shift : -1);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteDetails(Utf8JsonWriter json, FeatureDashboard one, DashboardSource source)
    {
        json.WriteStartObject();
        json.WriteNumber("index", one.Feature);
        json.WriteStartArray("examples_quantiles");
        foreach (var group in one.Examples.GroupBy(example => example.Interval))
        {
            json.WriteStartObject();
            json.WriteString("quantile_name", group.Key < 0 ? "Top activations" : $"Interval {group.Key}");
            json.WriteStartArray("examples");
            foreach (var (tokens, values, _) in group.Select(example => DashboardFields.Shown(example, source)))
            {
                json.WriteStartObject();
                DashboardFields.Numbers(json, "tokens_acts_list", values);
                DashboardFields.Strings(json, "tokens", tokens);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        DashboardFields.Strings(json, "top_logits", (one.Logits?.Top ?? []).Select(score => source.Piece(score.Token)));
        DashboardFields.Strings(json, "bottom_logits", (one.Logits?.Bottom ?? []).Select(score => source.Piece(score.Token)));
        json.WriteEndObject();
    }

    private static float[] Sources(FeatureExample example, int shift, int count) =>
        example.Sources is { } all ? [.. all.Skip(shift).Take(count)] : [];
}

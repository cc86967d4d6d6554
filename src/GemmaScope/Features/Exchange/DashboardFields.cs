using System.Text.Json;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;

namespace GemmaScope.Features.Exchange;

/// <summary>The fields that Neuronpedia and SAEDashboard write alike (METHODS §7). The name <c>_l1</c> of correlated lists holds a cosine
/// there.</summary>
internal static class DashboardFields
{
    /// <summary>Entries of the lists of neurons, as the other programs have them.</summary>
    private const int Neurons = 3;

    public static void Write(Utf8JsonWriter json, FeatureDashboard one, DashboardSource source)
    {
        var (alignment, neurons) = (one.Alignment.Take(Neurons).ToArray(), one.CorrelatedNeurons.Take(Neurons).ToArray());
        Integers(json, "neuron_alignment_indices", alignment.Select(a => a.Index));
        Numbers(json, "neuron_alignment_values", alignment.Select(a => a.Value));
        Numbers(json, "neuron_alignment_l1", alignment.Select(a => a.Share));
        Integers(json, "correlated_neurons_indices", neurons.Select(n => n.Neuron));
        Numbers(json, "correlated_neurons_pearson", neurons.Select(n => n.Pearson));
        Numbers(json, "correlated_neurons_l1", neurons.Select(n => n.Cosine));
        Integers(json, "correlated_features_indices", one.CorrelatedFeatures.Select(f => f.Feature));
        Numbers(json, "correlated_features_pearson", one.CorrelatedFeatures.Select(f => f.Pearson));
        Numbers(json, "correlated_features_l1", one.CorrelatedFeatures.Select(f => f.Cosine));
        Tokens(json, "neg", one.Logits?.Bottom ?? [], source);
        Tokens(json, "pos", one.Logits?.Top ?? [], source);
        json.WriteNumber("frac_nonzero", one.Density);
        Histogram(json, "freq", one.IsDead ? [] : one.Histogram, one.HistogramStart, one.Max);
        Histogram(json, "logits", one.Logits?.Histogram ?? [], one.Logits?.Minimum ?? 0, one.Logits?.Maximum ?? 0);
        Numbers(json, "decoder_weights_dist", one.HeadShares);
    }

    public static void Integers(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    public static void Numbers(Utf8JsonWriter json, string name, IEnumerable<float> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    public static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    /// <summary>Tokens and values of an example as the other programs show them, and how far its indices moved: without BOS and without the
    /// padding at the end.</summary>
    public static (string[] Tokens, float[] Values, int Shift) Shown(FeatureExample example, DashboardSource source)
    {
        var start = example is { Start: 0, Tokens: [var first, ..] } && first == source.Bos ? 1 : 0;
        var end = example.Tokens.Count;
        while (end > start && example.Tokens[end - 1] == source.Pad)
            end--;
        return ([.. example.Tokens.Take(start..end).Select(source.Piece)], [.. example.Values.Take(start..end)], start);
    }

    /// <summary>The bin an example stands for: of the top group −1, the maximum and −1; else its interval and the share of positions
    /// there.</summary>
    public static void Bin(Utf8JsonWriter json, ExportDialect names, FeatureDashboard one, FeatureExample example)
    {
        var top = example.Interval < 0;
        json.WriteNumber(names.BinMin, top ? -1 : (float)one.IntervalEdge(example.Interval));
        json.WriteNumber(names.BinMax, (float)(top ? one.Max : one.IntervalEdge(example.Interval + 1)));
        json.WriteNumber(names.BinContains, top ? -1 : one.IntervalShares[example.Interval]);
    }

    private static void Tokens(Utf8JsonWriter json, string name, IReadOnlyList<TokenScore> scores, DashboardSource source)
    {
        Strings(json, $"{name}_str", scores.Select(score => source.Piece(score.Token)));
        Numbers(json, $"{name}_values", scores.Select(score => score.Value));
    }

    private static void Histogram(Utf8JsonWriter json, string name, IReadOnlyList<int> counts, double low, double high)
    {
        Integers(json, $"{name}_hist_data_bar_heights", counts);
        json.WriteStartArray($"{name}_hist_data_bar_values");
        for (var bin = 0; bin < counts.Count; bin++)
            json.WriteNumberValue((float)(low + (bin + 0.5) / counts.Count * (high - low)));
        json.WriteEndArray();
    }
}

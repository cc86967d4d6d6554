using System.Text.Json;
using GemmaScope.Features.Exchange;
using Xunit;

namespace GemmaScope.Tests.Features;

public class DashboardImportTests
{
    [Fact]
    public void a_real_batch_of_saedashboard_comes_back_field_by_field()
    {
        var file = SharedData.File("artefacts", "saedashboard-gpt2-small-batch-0.json.gz");
        var import = Assert.Single(DashboardImport.Read([file]));
        using var stream = new MemoryStream();
        DashboardExport.WriteSaeDashboard(stream, import.Features, import.Source);
        using var own = JsonDocument.Parse(stream.ToArray());
        using var packed = new System.IO.Compression.GZipStream(File.OpenRead(file), System.IO.Compression.CompressionMode.Decompress);
        using var real = JsonDocument.Parse(packed);
        var problems = new List<string>();
        Compare("", own.RootElement, real.RootElement, problems);
        Assert.Empty(problems);
    }

    [Fact]
    public void features_of_neuronpedia_come_back_as_they_were()
    {
        var features = JsonDocument
            .Parse(File.ReadAllText(Fixtures.Path("features", "neuronpedia-feature.json")))
            .RootElement.EnumerateArray()
            .ToArray();
        using var folder = new TemporaryFolder();
        foreach (var feature in features)
        {
            var file = folder.File("feature.json");
            File.WriteAllText(file, feature.GetRawText());
            var import = Assert.Single(DashboardImport.Read([file]));
            using var stream = new MemoryStream();
            DashboardExport.WriteNeuronpedia(stream, import.Features[0], import.Source);
            var problems = new List<string>();
            Compare("", JsonDocument.Parse(stream.ToArray()).RootElement, feature, problems);
            Assert.Empty(problems);
        }
    }

    [Fact]
    public void what_python_could_not_compute_is_not_known()
    {
        using var folder = new TemporaryFolder();
        string Write(string more)
        {
            File.WriteAllText(
                folder.File("one.json"),
                $$"""{"modelId": "m", "layer": "2-set", "index": "7", "frac_nonzero": NaN, "maxActApprox": NaN, {{more}}}"""
            );
            return folder.File("one.json");
        }
        var read = DashboardImport.Read([
            Write(
                """
                "correlated_neurons_indices": [1, 2], "correlated_neurons_pearson": [NaN, 0.5], "correlated_neurons_l1": [0.25, 0.75]
                """
            ),
        ]);
        var feature = Assert.Single(read).Features[0].Dashboard;
        Assert.Equal((0, 0), (feature.Density, feature.Max));
        Assert.Equal(2, Assert.Single(feature.CorrelatedNeurons).Neuron);
        var infinite = Assert.Throws<FileFormatException>(() => DashboardImport.Read([Write("\"vector\": [1, Infinity]")]));
        Assert.Contains("'vector'", infinite.Message);
    }

    [Fact]
    public void a_feature_on_neuronpedia_brings_its_explanations()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("one.json"),
            """
            {"modelId": "gemma-2-2b", "layer": "20-gemmascope-res-16k", "index": "7", "explanations":
              [{"description": " time travel ", "explanationModelName": "a-model", "typeName": "oai_token-act-pair", "scores": [{"value": 0.8, "explanationScoreTypeName": "fuzzing"}, {"value": 0.7, "explanationScoreTypeName": "recall_alt"}]}]}
            """
        );
        var import = Assert.Single(DashboardImport.Read([folder.File("one.json")]));
        Assert.Equal(("gemma-2-2b", "20-gemmascope-res-16k", 20), (import.Source.Model, import.Source.Name, import.Source.Layer));
        Assert.Equal(
            new FeatureLabel("time travel", "a-model", "oai_token-act-pair", 0.7, "recall_alt", 0.8),
            Assert.Single(import.Features[0].Labels)
        );
        Assert.True(import.Features[0].Dashboard.IsDead);
    }

    [Theory]
    [InlineData("{}", "neither a feature")]
    [InlineData("[1]", "neither a feature")]
    [InlineData("{\"modelId\": \"m\", \"layer\": \"res\", \"index\": \"1\"}", "layer")]
    [InlineData("{\"modelId\": \"m\", \"layer\": \"1-res\", \"index\": \"-1\"}", "index")]
    [InlineData(
        "{\"modelId\": \"m\", \"layer\": \"1-res\", \"index\": \"1\", \"activations\": [{\"tokens\": [\"a\"], \"values\": [1, 2]}]}",
        "values"
    )]
    [InlineData("{\"modelId\": \"m\", \"layer\": \"1-res\", \"index\": \"1\", \"pos_values\": [\"a\"], \"pos_str\": []}", "pos_values")]
    public void a_file_that_is_none_says_what_is_wrong(string json, string says)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("bad.json"), json);
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => DashboardImport.Read([folder.File("bad.json")])).Message);
    }

    /// <summary>Numbers may differ as far as they were rounded to 3 decimals; what a dead feature's example marks differs by
    /// design.</summary>
    private static void Compare(string where, JsonElement own, JsonElement want, List<string> problems)
    {
        if (
            where.EndsWith("dataIndex", StringComparison.Ordinal)
            || (where.EndsWith("qualifying_token_index", StringComparison.Ordinal) && want.GetInt32() == -1)
        )
            return;
        if (own.ValueKind == JsonValueKind.Number && want.ValueKind == JsonValueKind.Number)
        {
            if (!(Math.Abs(own.GetDouble() - want.GetDouble()) <= 0.0021 + 1e-6 * Math.Abs(want.GetDouble())))
                problems.Add($"{where}: {own} instead of {want}");
        }
        else if (own.ValueKind != want.ValueKind)
            problems.Add($"{where}: {own.ValueKind} instead of {want.ValueKind}");
        else if (want.ValueKind == JsonValueKind.Object)
        {
            problems.AddRange(
                want.EnumerateObject()
                    .Select(entry => entry.Name)
                    .Except(own.EnumerateObject().Select(entry => entry.Name))
                    .Select(name => $"{where}.{name}: is missing")
            );
            problems.AddRange(
                own.EnumerateObject()
                    .Select(entry => entry.Name)
                    .Except(want.EnumerateObject().Select(entry => entry.Name))
                    .Select(name => $"{where}.{name}: is too many")
            );
            foreach (var entry in want.EnumerateObject())
                if (own.TryGetProperty(entry.Name, out var value))
                    Compare($"{where}.{entry.Name}", value, entry.Value, problems);
        }
        else if (want.ValueKind == JsonValueKind.Array)
        {
            if (own.GetArrayLength() != want.GetArrayLength())
                problems.Add($"{where}: {own.GetArrayLength()} instead of {want.GetArrayLength()}");
            else
                for (var i = 0; i < want.GetArrayLength(); i++)
                    Compare($"{where}[{i}]", own[i], want[i], problems);
        }
        else if (!JsonElement.DeepEquals(own, want))
            problems.Add($"{where}: {own} instead of {want}");
    }
}

using System.Text.Json.Nodes;
using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Tests.Server;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Features;

/// <summary>
/// Files of each form with one value changed: dropped, null, of another type, huge, negative or empty. Each is refused with file and
/// field, or all that shows features shows it.
/// </summary>
public sealed class ExchangeFormTests : IDisposable
{
    private static readonly Func<JsonNode?>?[] Changes =
    [
        null, // The value is taken away.
        () => null,
        () => JsonValue.Create("words"),
        () => JsonValue.Create(""),
        () => JsonValue.Create(true),
        () => JsonValue.Create(-1),
        () => JsonValue.Create(-7),
        () => JsonValue.Create(0),
        () => JsonValue.Create(3),
        () => JsonValue.Create(0.5),
        () => JsonValue.Create(int.MaxValue),
        () => JsonValue.Create(99_999_999_999),
        () => JsonNode.Parse("1e300"),
        () => JsonNode.Parse("-1e999"),
        () => new JsonArray(),
        () => new JsonArray(1, -2),
        () => new JsonArray("a", null),
        () => new JsonArray(null, null, null),
        () => new JsonObject(),
    ];

    private readonly TemporaryFolder _folder = new();
    private int _shown,
        _refused;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_feature_of_neuronpedia()
    {
        var feature = JsonNode.Parse(File.ReadAllText(Fixtures.Path("features", "neuronpedia-feature.json")))![0]!.AsObject();
        Shorten(feature);
        feature["explanations"] = JsonNode.Parse(
            """[{"description": "a label", "explanationModelName": "m", "scores": [{"value": 0.5, "explanationScoreTypeName": "fuzzing"}]}]"""
        );
        Change(feature, changed => _folder.Write("feature.json", changed.ToJsonString()));
    }

    [Fact]
    public void a_batch_of_saedashboard()
    {
        var batch = JsonNode.Parse(File.ReadAllText(Fixtures.Path("features", "saedashboard-batch.json")))!;
        var features = batch["features"]!.AsArray();
        while (features.Count > 1)
            features.RemoveAt(1);
        Shorten(features[0]!.AsObject());
        Change(batch, changed => _folder.Write("batch.json", changed.ToJsonString()));
    }

    [Fact]
    public void our_own_lines()
    {
        var feature = FeatureDatabaseTests.Feature(1);
        feature = feature with
        {
            Dashboard = feature.Dashboard with { Count = feature.Dashboard.Histogram.Sum() },
            Labels = [new FeatureLabel("a label", "me", "by hand", 0.5, "detection", 0.4, "made so")],
        };
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 1,
            Hook = "blocks.1.hook_resid_post",
            Corpus = new(100, 12_800, 12_700, 128),
            Width = 20,
            Pieces = ["<pad>", "a", "b"],
            Bos = 2,
            Pad = 0,
        };
        using var lines = new MemoryStream();
        DashboardLines.Write(lines, [feature], source);
        var file = System.Text.Encoding.UTF8.GetString(lines.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var (first, second) = (JsonNode.Parse(file[0])!, JsonNode.Parse(file[1])!);
        Change(first, changed => _folder.Write("lines.jsonl", $"{changed.ToJsonString()}\n{file[1]}\n"));
        Change(second, changed => _folder.Write("lines.jsonl", $"{file[0]}\n{changed.ToJsonString()}\n"));
    }

    /// <summary>Long lists say no more than short ones.</summary>
    private static void Shorten(JsonObject feature)
    {
        var activations = feature["activations"]!.AsArray();
        while (activations.Count > 21)
            activations.RemoveAt(1);
        while (activations.Count > 2)
            activations.RemoveAt(activations.Count - 2);
    }

    private void Change(JsonNode whole, Func<JsonNode, string> write)
    {
        Try(write(whole));
        Assert.Equal((1, 0), (_shown, _refused));
        foreach (var path in Paths(whole, []).ToArray())
        foreach (var change in Changes)
        {
            var changed = whole.DeepClone();
            Apply(changed, path, change);
            Try(write(changed), $"{string.Join('.', path)} = {(change is null ? "nothing" : change()?.ToJsonString())}");
        }
        Assert.True(_shown > 30 && _refused > 250, $"{_shown} shown, {_refused} refused");
        (_shown, _refused) = (0, 0);
    }

    /// <summary>Where values are; of a list the first and the last.</summary>
    private static IEnumerable<object[]> Paths(JsonNode? node, object[] here)
    {
        if (here.Length > 0)
            yield return here;
        var inner = node switch
        {
            JsonObject map => map.Select(entry => (Key: (object)entry.Key, entry.Value)),
            JsonArray { Count: > 0 } list => new[] { 0, list.Count - 1 }.Distinct().Select(i => (Key: (object)i, Value: list[i])),
            _ => [],
        };
        foreach (var (key, value) in inner)
        foreach (var path in Paths(value, [.. here, key]))
            yield return path;
    }

    private static void Apply(JsonNode root, object[] path, Func<JsonNode?>? change)
    {
        var owner = path[..^1].Aggregate(root, (node, key) => key is int i ? node[i]! : node[(string)key]!);
        switch ((owner, path[^1]))
        {
            case (JsonObject map, string key) when change is null:
                map.Remove(key);
                break;
            case (JsonObject map, string key):
                map[key] = change();
                break;
            case (JsonArray list, int i) when change is null:
                list.RemoveAt(i);
                break;
            case (JsonArray list, int i):
                list[i] = change!();
                break;
        }
    }

    private void Try(string file, string what = "nothing changed")
    {
        try
        {
            foreach (var (source, features) in Read(file))
                Show(source, [.. features]);
            _shown++;
        }
        catch (GemmaScopeException problem)
        {
            Assert.True(problem.Message.Contains(Path.GetFileName(file)) || problem.Message.Contains("comes twice"), problem.Message);
            _refused++;
        }
        catch (Exception problem)
        {
            Assert.Fail($"{what}: {problem}");
        }
    }

    private static IEnumerable<(DashboardSource, IEnumerable<LabelledDashboard>)> Read(string file) =>
        file.EndsWith(".jsonl", StringComparison.Ordinal)
            ? [DashboardLines.Read(file)]
            : DashboardImport.Read([file]).Select(one => (one.Source, (IEnumerable<LabelledDashboard>)one.Features));

    /// <summary>The way of what is accepted: through the codec of the database to the terminal, the page and the exports.</summary>
    private static void Show(DashboardSource source, LabelledDashboard[] features)
    {
        var dictionary = new StoredDictionary(1, source.Model, source.Name, 100, 100, true, "");
        using StringWriter output = new(),
            error = new();
        foreach (var feature in features)
        {
            var stored = feature with { Dashboard = PageCodec.Decode(PageCodec.Encode(feature.Dashboard)) };
            Assert.Empty(DashboardForm.Problems(stored));
            var page = new FeaturePage(stored, "");
            FeatureText.Write(new Terminal(Stream.Null, output, error), FeatureResult.Of(dictionary, page, source), examples: 9);
            var html = new FeatureView(
                dictionary,
                source,
                page,
                new NamedFeatures(null, null, []),
                new FeatureViewOptions(),
                null,
                [],
                Markup.Empty
            ).Render();
            // What another program does not tell is left out.
            Assert.DoesNotContain("#-1", $"{html.After}{output}");
            _ = ResultJson.Text(FeatureResult.Of(dictionary, page, source));
            DashboardExport.WriteNeuronpedia(Stream.Null, feature, source);
            DashboardExport.WriteFeatureDetails(Stream.Null, feature, source);
        }
        DashboardExport.WriteSaeDashboard(Stream.Null, features, source);
        DashboardLines.Write(Stream.Null, features, source);
    }
}

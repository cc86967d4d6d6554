using System.Text.Json;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;

namespace GemmaScope.Verification;

/// <summary>
/// The files of other programs, written from the dashboards and compared value by value. Which sequences an interval shows is each
/// program's choice: there the
/// bins, the shares and the form are compared.
/// </summary>
internal sealed class FeatureExportChecks(FeatureHost host)
{
    private const double Tolerance = 1e-5,
        Smallest = 1e-6;

    // What comes from our own float32 pass instead of the golden activations.
    private const double HostTolerance = 1e-4;

    public IEnumerable<Check> Checks()
    {
        yield return Compare("neuronpedia-feature.json", DashboardExport.WriteNeuronpedia, Items);
        yield return Compare(
            "saedashboard-batch.json",
            (stream, feature, source) => DashboardExport.WriteSaeDashboard(stream, [feature], source),
            json => json.GetProperty("features").EnumerateArray()
        );
        yield return Compare("feature-details.json", DashboardExport.WriteFeatureDetails, Items);
    }

    private Check Compare(
        string file,
        Action<Stream, LabelledDashboard, DashboardSource> write,
        Func<JsonElement, IEnumerable<JsonElement>> features
    )
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(host.Folder, file)));
        var wanted = features(golden.RootElement).ToArray();
        var problems = new List<string>();
        var chosen = Chosen(file);
        for (var i = 0; i < chosen.Length; i++)
        {
            using var stream = new MemoryStream();
            write(stream, Feature(chosen[i].Case, chosen[i].Feature), Source(chosen[i].Case));
            using var own = JsonDocument.Parse(stream.ToArray());
            if (golden.RootElement.ValueKind == JsonValueKind.Object)
                Same($"{file}", WithoutFeatures(own.RootElement), WithoutFeatures(golden.RootElement), problems);
            Same($"{file}[{i}]", features(own.RootElement).Single(), wanted[i], problems);
        }
        return Check.That(
            $"exports.{file}",
            chosen.Length > 0 && chosen.Length == wanted.Length && problems.Count == 0,
            problems.Count == 0 ? $"{chosen.Length} features" : $"{problems.Count} differ; first {problems[0]}"
        );
    }

    private static IEnumerable<JsonElement> Items(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array ? json.EnumerateArray() : [json];

    private (FeatureCase Case, int Feature)[] Chosen(string file)
    {
        var entry = host.Expected.Element.GetProperty("exports").GetProperty(file);
        return entry.ValueKind == JsonValueKind.Array
            ? [.. entry.EnumerateArray().Select(one => (Named(one), one.GetProperty("feature").GetInt32()))]
            : [.. entry.GetProperty("features").EnumerateArray().Select(feature => (Named(entry), feature.GetInt32()))];

        FeatureCase Named(JsonElement one) => host.Cases.Single(each => each.Name == one.GetProperty("dictionary").GetString());
    }

    private static LabelledDashboard Feature(FeatureCase one, int feature)
    {
        var vector = new float[one.Dictionary.OutputWidth];
        one.Dictionary.Decoder(feature, vector);
        return new(one.Dashboards[feature], [], vector);
    }

    private DashboardSource Source(FeatureCase one) =>
        new()
        {
            Model = "tiny-gemma-2",
            Set = $"fixture-{one.Name}",
            Layer = one.Dictionary.InputSite.Layer!.Value,
            Hook = one.Dictionary.InputSite.TransformerLensName,
            Corpus = new FeatureCorpus(one.Store.Sequences, one.Store.Positions, one.Store.Counted, one.Store.LongestSequence),
            Text = "fixture-corpus",
            Pieces = host.Vocabulary,
            Bos = host.Model.Config.BosId,
            Pad = 0,
        };

    private static JsonElement WithoutFeatures(JsonElement batch) =>
        JsonSerializer.SerializeToElement(
            batch.EnumerateObject().Where(entry => entry.Name != "features").ToDictionary(entry => entry.Name, entry => entry.Value)
        );

    private static void Same(string where, JsonElement own, JsonElement want, List<string> problems)
    {
        if (want.ValueKind == JsonValueKind.Number && own.ValueKind == JsonValueKind.Number)
        {
            var (a, b) = (own.GetDouble(), want.GetDouble());
            var allowed =
                where.Contains("dfa", StringComparison.Ordinal) || where.Contains("correlated_neurons", StringComparison.Ordinal)
                    ? HostTolerance
                    : Smallest + Tolerance * Math.Abs(b);
            if (!(Math.Abs(a - b) <= allowed))
                problems.Add($"{where}: {a} instead of {b}");
        }
        else if (want.ValueKind == JsonValueKind.Object && own.ValueKind == JsonValueKind.Object)
        {
            var keys = want.EnumerateObject().Select(entry => entry.Name).ToHashSet();
            if (!keys.SetEquals(own.EnumerateObject().Select(entry => entry.Name)))
                problems.Add($"{where}: has other keys");
            else if (!Drawn(want))
                foreach (var entry in want.EnumerateObject())
                    Same($"{where}.{entry.Name}", own.GetProperty(entry.Name), entry.Value, problems);
            else
                foreach (var name in keys.Where(IsBin))
                    Same($"{where}.{name}", own.GetProperty(name), want.GetProperty(name), problems);
        }
        else if (want.ValueKind == JsonValueKind.Array && own.ValueKind == JsonValueKind.Array)
        {
            if (own.GetArrayLength() != want.GetArrayLength())
                problems.Add($"{where}: {own.GetArrayLength()} entries instead of {want.GetArrayLength()}");
            else
                for (var i = 0; i < want.GetArrayLength(); i++)
                    Same($"{where}[{i}]", own[i], want[i], problems);
        }
        else if (!JsonElement.DeepEquals(own, want))
        {
            problems.Add($"{where}: {own} instead of {want}");
        }
    }

    /// <summary>Whether an object is, or holds, examples that were drawn from an interval.</summary>
    private static bool Drawn(JsonElement one) =>
        (one.TryGetProperty("binMin", out var low) || one.TryGetProperty("bin_min", out low))
            ? low.GetDouble() >= 0
            : one.TryGetProperty("quantile_name", out var name) && name.GetString() != "Top activations";

    private static bool IsBin(string name) =>
        name is "binMin" or "binMax" or "binContains" or "bin_min" or "bin_max" or "bin_contains" or "quantile_name" or "layer" or "index";
}

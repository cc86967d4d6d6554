using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Features.Exchange;

/// <summary>Dashboards of another program, with the words of their tokens as a vocabulary of their own.</summary>
/// <param name="Source">What they share.</param>
/// <param name="Features">The features.</param>
public sealed record ImportedDashboards(DashboardSource Source, IReadOnlyList<LabelledDashboard> Features);

/// <summary>
/// Reads dashboards of Neuronpedia (one feature or a list) and of SAEDashboard (a batch file). Such files hold words instead of token ids,
/// so each distinct
/// word becomes an id; numbers that were rounded stay so. What a file does not say stays empty.
/// </summary>
public static class DashboardImport
{
    /// <summary>Reads files of either form, those of one dictionary together; names that end in <c>.gz</c> are unpacked.</summary>
    /// <exception cref="FileFormatException">One is neither, or something in it is of another type.</exception>
    public static IReadOnlyList<ImportedDashboards> Read(IEnumerable<string> files)
    {
        var words = new Words();
        return
        [
            .. files
                .Select(file => Read(JsonFile.ReadRoot(file), file, words))
                .GroupBy(one => (one.Source.Model, one.Source.Name))
                .Select(parts => new ImportedDashboards(parts.First().Source, [.. parts.SelectMany(part => part.Features)]))
                .Select(Checked),
        ];
    }

    private static ImportedDashboards Checked(ImportedDashboards one)
    {
        if (one.Features.CountBy(feature => feature.Dashboard.Feature).FirstOrDefault(many => many.Value > 1) is { Value: > 1 } twice)
            throw new FileFormatException($"feature {twice.Key} comes twice", one.Source.Name);
        return one;
    }

    private static DashboardSource Checked(DashboardSource source, JsonSection section) =>
        DashboardForm.Problems(source).FirstOrDefault() is { } problem ? throw section.Bad(problem.Field, problem.Problem) : source;

    private static ImportedDashboards Read(JsonElement json, string file, Words words)
    {
        var section = new JsonSection(file, "", json);
        if (json.ValueKind == JsonValueKind.Object && section.Has("features") && section.Has("sae_set"))
            return Batch(section, words);
        JsonSection[] features = json.ValueKind switch
        {
            JsonValueKind.Object => [section],
            JsonValueKind.Array => [.. json.EnumerateArray().Select((one, i) => new JsonSection(file, $"[{i}].", one))],
            _ => [],
        };
        if (features.Length == 0 || features.Any(one => one.Element.ValueKind != JsonValueKind.Object || !one.Has("modelId")))
            throw new FileFormatException(
                "is neither a feature of Neuronpedia (modelId, layer, index …) nor a batch of SAEDashboard (model_id, sae_set, features)",
                file
            );
        return Neuronpedia(features, words);
    }

    private static ImportedDashboards Batch(JsonSection batch, Words words)
    {
        var sections = batch.Objects("features");
        var features = sections
            .Select(one =>
                new FeatureReader(one, ExportDialect.SaeDashboard, words).Read(
                    one.Integer("feature_index") ?? throw one.Missing("feature_index")
                )
            )
            .ToArray();
        var first = sections.Count > 0 ? sections[0] : null;
        var (prompts, length) = (first?.Integer("n_prompts_total") ?? 0, first?.Integer("n_tokens_in_prompt") ?? 0);
        return new(
            Checked(
                new DashboardSource
                {
                    Model = batch.Text("model_id") ?? throw batch.Missing("model_id"),
                    Set = batch.Text("sae_set") ?? throw batch.Missing("sae_set"),
                    Layer = batch.Integer("layer") ?? throw batch.Missing("layer"),
                    Corpus = new(prompts, (long)prompts * length, (long)prompts * length, length),
                    Text = first?.Text("dataset") ?? "",
                    Pieces = words.All,
                },
                batch
            ),
            features
        );
    }

    private static ImportedDashboards Neuronpedia(JsonSection[] sections, Words words)
    {
        var features = sections.Select(one => new FeatureReader(one, ExportDialect.Neuronpedia, words).Read(Index(one))).ToArray();
        var first = sections[0];
        var name = first.Text("layer") ?? throw first.Missing("layer");
        // The name begins with the layer: 20-gemmascope-res-16k.
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        if (dash < 1 || !int.TryParse(name[..dash], out var layer))
            throw first.Bad("layer", $"must be a layer and a set such as 20-gemmascope-res-16k, found {name}");
        if (sections.FirstOrDefault(one => one.Text("layer") != name) is { } other)
            throw other.Bad("layer", $"is another dictionary than that of the first feature, {name}; import them one by one");
        return new(
            Checked(
                new DashboardSource
                {
                    Model = first.Text("modelId")!,
                    Set = name[(dash + 1)..],
                    Layer = layer,
                    Hook = first.Text("hookName"),
                    Corpus = new(0, 0, 0, 0),
                    Pieces = words.All,
                },
                first
            ),
            features
        );
    }

    private static int Index(JsonSection one) =>
        int.TryParse(one.Text("index") ?? throw one.Missing("index"), out var index) && index >= 0
            ? index
            : throw one.Bad("index", $"must be the number of a feature, found {one.Text("index")}");
}

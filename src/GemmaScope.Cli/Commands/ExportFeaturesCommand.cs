using System.CommandLine;
using GemmaScope.Dictionaries;
using GemmaScope.Features.Exchange;
using GemmaScope.Files;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes dashboards in the forms of other programs.</summary>
internal sealed class ExportFeaturesCommand : GemmaScopeCommand
{
    private const int FeaturesPerBatch = 128;

    private readonly Argument<string> _dictionary = FeatureStore.Dictionary();
    private readonly Option<string> _database = FeatureStore.Option(),
        _format,
        _out;
    private readonly Option<int[]> _features;
    private readonly Option<string?> _sae;

    public ExportFeaturesCommand()
        : base(
            "export",
            "Write dashboards for other programs: neuronpedia and details (a file a feature), saedashboard (files of 128 features), jsonl (one file with everything).",
            "gemmascope features export resid_post-layer_3-width_2k-average_l0_35 --format neuronpedia --out export --db features.db",
            "gemmascope features export resid_post-layer_3-width_2k-average_l0_35 --format jsonl --feature 756 --feature 12 --out two.jsonl --db features.db"
        )
    {
        Arguments.Add(_dictionary);
        _format = Add(
            new Option<string>("--format")
            {
                Description = "The form.",
                HelpName = "FORM",
                DefaultValueFactory = _ => "neuronpedia",
            }.AcceptOnlyFromAmong("neuronpedia", "saedashboard", "details", "jsonl")
        );
        _out = Add(
            new Option<string>("--out", "-o")
            {
                Description = "The folder; for jsonl the file.",
                HelpName = "PATH",
                Required = true,
            }
        );
        _features = Add(
            new Option<int[]>("--feature") { Description = "Only this feature; may be repeated. Default: all.", HelpName = "N" }
        );
        _sae = Add(
            new Option<string?>("--sae", "-s")
            {
                Description = "The dictionary's weights, from which neuronpedia's files get their vectors.",
                HelpName = "SAE",
            }
        );
        Options.Add(_database);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var dictionary = FeatureStore.Find(database, arguments.GetValue(_dictionary)!);
        var source = database.Source(dictionary);
        using var weights = arguments.GetValue(_sae) is { } sae
            ? SparseDictionary.Load(DictionaryFinder.Find(session.Find(Locator.DictionaryAsync, sae), null, null))
            : null;
        if (weights is not null && weights.Width != dictionary.Width)
            throw new ArgumentProblemException($"has {weights.Width} features, {dictionary.Name} has {dictionary.Width}", "--sae");
        var chosen = arguments.GetValue(_features) is { Length: > 0 } some ? some : [.. Enumerable.Range(0, dictionary.Features)];
        var features = chosen.Select(feature => Feature(database, dictionary, feature, weights));
        var path = arguments.GetValue(_out)!;
        switch (arguments.GetValue(_format))
        {
            case "jsonl":
                Write(path, stream => DashboardLines.Write(stream, features, source));
                break;
            case "saedashboard":
                foreach (var (batch, number) in features.Chunk(FeaturesPerBatch).Select((batch, number) => (batch, number)))
                    Write(Path.Combine(path, $"batch-{number}.json"), stream => DashboardExport.WriteSaeDashboard(stream, batch, source));
                break;
            case var form:
                foreach (var feature in features)
                    Write(
                        Path.Combine(path, $"{feature.Dashboard.Feature}.json"),
                        stream =>
                        {
                            if (form == "details")
                                DashboardExport.WriteFeatureDetails(stream, feature, source);
                            else
                                DashboardExport.WriteNeuronpedia(stream, feature, source);
                        }
                    );
                break;
        }
        session.Terminal.Error.WriteLine($"wrote {chosen.Length} features to {path}");
        return Application.Success;

        void Write(string file, Action<Stream> write)
        {
            session.Cancellation.ThrowIfCancellationRequested();
            AtomicFile.Write(file, write, overwrite: true);
        }
    }

    private static LabelledDashboard Feature(IFeatureDatabase database, StoredDictionary dictionary, int feature, SparseDictionary? weights)
    {
        var page =
            database.WholePage(dictionary, feature) ?? throw new ArgumentProblemException($"has no feature {feature}", dictionary.Name);
        if (weights is null)
            return page.Feature;
        var vector = new float[weights.OutputWidth];
        weights.Decoder(feature, vector);
        return page.Feature with { Vector = vector };
    }
}

using System.CommandLine;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;

namespace GemmaScope.Cli.Commands;

/// <summary>Reads dashboards and labels of other programs into a database.</summary>
internal sealed class ImportFeaturesCommand : GemmaScopeCommand
{
    private const int FeaturesPerTransaction = 128;

    private readonly Argument<string[]> _files;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<string?> _labelsOf,
        _author;

    public ImportFeaturesCommand()
        : base(
            "import",
            "Read dashboards into a database: features of Neuronpedia, batches of SAEDashboard, our JSON lines; or, with --labels-of, labels.",
            "gemmascope features import batch-0.json batch-1.json --db features.db",
            "gemmascope features import labels.jsonl --labels-of resid_post-layer_3-width_2k-average_l0_35 --author me --db features.db"
        )
    {
        _files = Add(new Argument<string[]>("file") { Description = "Files to read.", Arity = ArgumentArity.OneOrMore });
        _labelsOf = Add(
            new Option<string?>("--labels-of") { Description = "The files hold labels of this dictionary.", HelpName = "DICTIONARY" }
        );
        _author = Add(
            new Option<string?>("--author") { Description = "Who wrote the labels. Default: the file's name.", HelpName = "NAME" }
        );
        Options.Add(_database);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var files = arguments.GetValue(_files)!;
        // Before a database is made for what is not there.
        if (files.FirstOrDefault(file => !File.Exists(file)) is { } absent)
            throw new FileFormatException("the file does not exist; check the name", absent);
        var labelled = arguments.GetValue(_labelsOf);
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!, create: labelled is null);
        if (labelled is not null)
        {
            foreach (var file in files)
                session.Terminal.Out.WriteLine(
                    $"{file}: {Labels(database, FeatureStore.Find(database, labelled), file, arguments.GetValue(_author) ?? Path.GetFileName(file))} labels"
                );
            return Application.Success;
        }
        foreach (var file in files.Where(DashboardLines.Is))
        {
            var (source, features) = DashboardLines.Read(file);
            Dashboards(database, source, [.. features], session);
        }
        foreach (var (source, features) in DashboardImport.Read(files.Where(file => !DashboardLines.Is(file))))
            Dashboards(database, source, features, session);
        return Application.Success;
    }

    private static int Labels(IFeatureDatabase database, StoredDictionary dictionary, string file, string author)
    {
        var labels = FeatureLabels.Load(file);
        database.AddLabels(
            dictionary,
            labels
                .Features.Where(feature => feature < dictionary.Features)
                .Select(feature => (feature, new FeatureLabel(labels[feature]!, author)))
        );
        return labels.Features.Count(feature => feature < dictionary.Features);
    }

    private static void Dashboards(
        IFeatureDatabase database,
        DashboardSource source,
        IReadOnlyList<LabelledDashboard> features,
        Session session
    )
    {
        if (features.Count == 0)
            throw new ArgumentProblemException("has no feature to import", source.Name);
        // What was imported before under this name is replaced: its words have other numbers.
        var width = features.Max(one => one.Dashboard.Feature) + 1;
        var stored = database.Begin(source, source.Name, width, $"imported {DateTime.UtcNow:O}");
        foreach (var part in features.Chunk(FeaturesPerTransaction))
        {
            session.Cancellation.ThrowIfCancellationRequested();
            database.Write(stored, part);
        }
        database.Complete(stored);
        session.Terminal.Out.WriteLine($"{stored.Model}/{stored.Name}: {features.Count} features");
    }
}

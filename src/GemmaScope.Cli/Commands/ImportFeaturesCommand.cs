using System.CommandLine;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Reads dashboards and labels of other programs into a database.</summary>
internal sealed class ImportFeaturesCommand : GemmaScopeCommand
{
    private readonly Argument<string[]> _files;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<string?> _labelsOf,
        _author;

    public ImportFeaturesCommand()
        : base(
            "import",
            "Read dashboards into a database: features of Neuronpedia, batches of SAEDashboard, our JSON lines; "
                + "or, with --labels-of, labels.",
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
        var options = new ImportFeaturesJobOptions
        {
            Files = arguments.GetValue(_files)!,
            LabelsOf = arguments.GetValue(_labelsOf),
            Author = arguments.GetValue(_author),
        };
        ImportFeaturesJob.Check(options);
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!, create: options.LabelsOf is null);
        var result = session.Run(
            (progress, cancellationToken) => ImportFeaturesJob.RunAsync(database, options, progress, cancellationToken)
        );
        foreach (var read in result.Labels)
            session.Terminal.Out.WriteLine($"{read.File}: {read.Labels} labels");
        foreach (var read in result.Dictionaries)
            session.Terminal.Out.WriteLine($"{read.Model}/{read.Dictionary}: {read.Features} features");
        return Application.Success;
    }
}

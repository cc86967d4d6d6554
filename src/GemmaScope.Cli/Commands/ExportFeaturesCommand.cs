using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes dashboards in the forms of other programs.</summary>
internal sealed class ExportFeaturesCommand : GemmaScopeCommand
{
    private static readonly string[] Forms = [.. Enum.GetNames<FeatureFormat>().Select(name => name.ToLowerInvariant())];

    private readonly Argument<string> _dictionary = FeatureStore.Dictionary();
    private readonly Option<string> _database = FeatureStore.Option(),
        _format,
        _out;
    private readonly Option<int[]> _features;
    private readonly Option<string?> _sae;
    private readonly SiteArguments _reads;

    public ExportFeaturesCommand()
        : base(
            "export",
            "Write dashboards for other programs: neuronpedia and details (a file a feature), saedashboard (files of 128 features), "
                + "jsonl (one file with everything).",
            "gemmascope features export resid_post-layer_3-width_2k-average_l0_35 --format neuronpedia --out export --db features.db",
            "gemmascope features export resid_post-layer_3-width_2k-average_l0_35 --format jsonl --feature 756 --feature 12 "
                + "--out two.jsonl --db features.db"
        )
    {
        Arguments.Add(_dictionary);
        _format = Add(
            new Option<string>("--format")
            {
                Description = "The form.",
                HelpName = "FORM",
                DefaultValueFactory = _ => Forms[0],
            }.AcceptOnlyFromAmong(Forms)
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
            }.Offering(KnownWords.Dictionaries)
        );
        _reads = new SiteArguments(this);
        Options.Add(_database);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new ExportFeaturesJobOptions
        {
            Dictionary = arguments.GetValue(_dictionary)!,
            Out = arguments.GetValue(_out)!,
            Format = Enum.Parse<FeatureFormat>(arguments.GetValue(_format)!, ignoreCase: true),
            Features = arguments.GetValue(_features) ?? [],
            Sae = arguments.GetValue(_sae),
            Reads = _reads.Read(arguments),
        };
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var result = session.Run(
            (progress, cancellationToken) => ExportFeaturesJob.RunAsync(database, options, progress, cancellationToken)
        );
        session.Terminal.Error.WriteLine($"wrote {result.Features} features to {result.Path}");
        return Application.Success;
    }
}

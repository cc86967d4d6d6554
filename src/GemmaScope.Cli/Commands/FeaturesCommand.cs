using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Dashboards of features: making, showing and exchanging them.</summary>
internal sealed class FeaturesCommand : GemmaScopeCommand
{
    public FeaturesCommand()
        : base(
            "features",
            "Dashboards of features: build them over a text, show one, search them, explain them, export and import them.",
            "gemmascope features build --text corpus.jsonl --tokens 20000 --db features.db",
            "gemmascope features show resid_post-layer_3-width_2k-average_l0_35 756 --db features.db",
            "gemmascope features search capital --db features.db",
            "gemmascope features interpret --text held-out.jsonl --db features.db",
            "gemmascope features export resid_post-layer_3-width_2k-average_l0_35 --format neuronpedia --out export --db features.db",
            "gemmascope features import batch-0.json --db features.db"
        )
    {
        foreach (
            var command in (GemmaScopeCommand[])
                [
                    new BuildFeaturesCommand(),
                    new ShowFeatureCommand(),
                    new SearchFeaturesCommand(),
                    new InterpretCommand(),
                    new ExportFeaturesCommand(),
                    new ImportFeaturesCommand(),
                ]
        )
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what to do: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}

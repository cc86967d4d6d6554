using System.CommandLine;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Makes the dashboards of dictionaries over a text and writes them into a database.</summary>
internal sealed class BuildFeaturesCommand : GemmaScopeCommand
{
    private static readonly BuildFeaturesJobOptions Defaults = new() { Text = new() { Text = [] } };

    private readonly MicroscopeArguments _microscope;
    private readonly TextBatchArguments _text;
    private readonly Option<int> _seed,
        _top,
        _interval,
        _memory;
    private readonly Option<bool> _noNeurons;
    private readonly Option<string?> _work;
    private readonly Option<string> _database = FeatureStore.Option();

    public BuildFeaturesCommand()
        : base(
            "build",
            "Build the dashboards of all features of dictionaries over a text. Interrupted, the same command goes on.",
            "gemmascope features build --text corpus.jsonl --tokens 20000 --db features.db",
            "gemmascope features build --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 "
                + "--text texts/ --tokens 10000000 --db gemma.db"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _text = new TextBatchArguments(this);
        _seed = Add(new Option<int>("--seed") { Description = "Decides which examples are drawn from the intervals.", HelpName = "N" });
        _top = Add(CommonOptions.Number("--top-examples", "N", "Strongest examples of a feature that are kept.", Defaults.TopExamples));
        _interval = Add(
            CommonOptions.Number(
                "--examples-per-interval",
                "N",
                "Examples kept from each of five intervals of its activations; fewer of both make a smaller database.",
                Defaults.ExamplesPerInterval
            )
        );
        _memory = Add(
            CommonOptions.Number(
                "--pair-memory",
                "MIB",
                "MiB for pairs of features; less memory means more readings of the activations.",
                Defaults.PairMemory
            )
        );
        _noNeurons = Add(
            new Option<bool>("--no-neurons")
            {
                Description = "Without correlations with the input's coordinates, which need 8 bytes times features times input width.",
            }
        );
        _work = Add(
            new Option<string?>("--work")
            {
                Description =
                    "Where activations are kept meanwhile: 8 bytes for each active feature of each token. Default: beside the database.",
                HelpName = "DIR",
            }
        );
        Options.Add(_database);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var where = arguments.GetValue(_database)!;
        var options = Read(arguments, where);
        BuildFeaturesJob.Check(options);
        using var microscope = _microscope.Open(arguments, session);
        using var database = FeatureDatabase.Open(where, create: true);
        var result = session.Run(
            (progress, cancellationToken) => BuildFeaturesJob.RunAsync(microscope, database, options, progress, cancellationToken)
        );
        foreach (var one in result.Dictionaries)
            session.Terminal.Out.WriteLine(
                $"{one.Model}/{one.Dictionary}: {one.Features} features over {one.CountedTokens} of {one.Tokens} tokens"
            );
        return Application.Success;
    }

    private BuildFeaturesJobOptions Read(ParseResult arguments, string database) =>
        new()
        {
            Text = _text.Read(arguments),
            Seed = arguments.GetValue(_seed),
            TopExamples = arguments.GetValue(_top),
            ExamplesPerInterval = arguments.GetValue(_interval),
            PairMemory = arguments.GetValue(_memory),
            Neurons = !arguments.GetValue(_noNeurons),
            Work = arguments.GetValue(_work) ?? (database.Contains("://", StringComparison.Ordinal) ? Defaults.Work : database + ".work"),
        };
}

using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>RAVEL: whether features separate the attributes of entities.</summary>
internal sealed class RavelCommand : GemmaScopeCommand
{
    private static readonly RavelOptions Defaults = new();

    private readonly Argument<string> _folder;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string> _domain;
    private readonly Option<int> _entities,
        _prompts,
        _pairs,
        _epochs,
        _seed;
    private readonly Option<bool> _json;

    public RavelCommand()
        : base(
            "ravel",
            "Measure whether features separate the attributes of entities (RAVEL): interchange interventions through chosen features.",
            "gemmascope ravel ravel/ --domain city",
            "gemmascope ravel ravel/ --domain verb --entities 400 --prompts 4 --json",
            "gemmascope ravel ravel/ --domain city --model google/gemma-2-2b --sae gemma-scope-2b-pt-res-canonical/layer_10/width_16k"
        )
    {
        _folder = Add(new Argument<string>("folder") { Description = "The folder with ravel_DOMAIN_*.json, plain or gzipped." });
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _domain = Add(
            new Option<string>("--domain")
            {
                Description = "The entities: city, occupation, verb, or whatever the folder has.",
                HelpName = "DOMAIN",
                DefaultValueFactory = _ => "city",
            }
        );
        _entities = Add(CommonOptions.Number("--entities", "N", "Entities asked about, half of them to learn from.", Defaults.Entities));
        _prompts = Add(CommonOptions.Number("--prompts", "N", "Prompts of each attribute.", Defaults.Prompts));
        _pairs = Add(
            CommonOptions.Number(
                "--pairs",
                "N",
                "Interchanges of each attribute and kind, to learn from and to measure on each.",
                Defaults.Pairs
            )
        );
        _epochs = Add(
            CommonOptions.Number("--epochs", "N", "Passes of the trained mask over its pairs; 0 leaves it out.", Defaults.Epochs)
        );
        _seed = Add(CommonOptions.Number("--seed", "N", "Draws entities, prompts and pairs.", 0));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new RavelJobOptions
        {
            Set = RavelSet.Load(arguments.GetValue(_folder)!, arguments.GetValue(_domain)!),
            Measured = Defaults with
            {
                Entities = arguments.GetValue(_entities),
                Prompts = arguments.GetValue(_prompts),
                Pairs = arguments.GetValue(_pairs),
                Epochs = arguments.GetValue(_epochs),
                Seed = arguments.GetValue(_seed),
            },
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => RavelJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            RavelText.Write(session.Terminal, result);
        return Application.Success;
    }
}

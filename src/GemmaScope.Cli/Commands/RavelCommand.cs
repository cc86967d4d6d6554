using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>RAVEL: whether features separate the attributes of entities.</summary>
internal sealed class RavelCommand : GemmaScopeCommand
{
    private readonly Argument<string> _folder;
    private readonly MicroscopeArguments _laboratory;
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
        _laboratory = new MicroscopeArguments(this, DictionaryUse.Many);
        _domain = Add(
            new Option<string>("--domain")
            {
                Description = "The entities: city, occupation, verb, or whatever the folder has.",
                HelpName = "DOMAIN",
                DefaultValueFactory = _ => "city",
            }
        );
        _entities = Add(Number("--entities", "Entities asked about, half of them to learn from.", Defaults.Entities));
        _prompts = Add(Number("--prompts", "Prompts of each attribute.", Defaults.Prompts));
        _pairs = Add(Number("--pairs", "Interchanges of each attribute and kind, to learn from and to measure on each.", Defaults.Pairs));
        _epochs = Add(Number("--epochs", "Passes of the trained mask over its pairs; 0 leaves it out.", Defaults.Epochs));
        _seed = Add(Number("--seed", "Draws entities, prompts and pairs.", 0));
        _json = Add(CommonOptions.Json());
    }

    private static RavelOptions Defaults { get; } = new();

    public override int Run(ParseResult arguments, Session session)
    {
        foreach (var (option, least) in new[] { (_entities, 4), (_prompts, 1), (_pairs, 1), (_epochs, 0) })
            if (arguments.GetValue(option) < least)
                throw new ArgumentProblemException($"must be at least {least}", option.Name);
        var set = RavelSet.Load(arguments.GetValue(_folder)!, arguments.GetValue(_domain)!);
        using var laboratory = _laboratory.Open(arguments, session);
        var options = Defaults with
        {
            Entities = arguments.GetValue(_entities),
            Prompts = arguments.GetValue(_prompts),
            Pairs = arguments.GetValue(_pairs),
            Epochs = arguments.GetValue(_epochs),
            Seed = arguments.GetValue(_seed),
        };
        var reports = laboratory
            .Dictionaries.Select(dictionary =>
                Watching.Stages(
                    session,
                    stage => RavelEvaluation.Run(laboratory.Model, dictionary, set, options, stage, session.Cancellation)
                )
            )
            .ToArray();
        var view = new RavelView(laboratory, set.Domain, reports);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => RavelOutput.Write(json, view));
        else
            RavelOutput.Write(session.Terminal, view);
        return Application.Success;
    }

    private static Option<int> Number(string name, string description, int standard) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => standard,
        };
}

using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Released dictionaries: what there is, what one is, and getting it.</summary>
internal sealed class DictionariesCommand : GemmaScopeCommand
{
    public DictionariesCommand()
        : base(
            "dictionaries",
            "Find dictionaries: list them, show one, check it on a model, download it, look at the hub anew, or add your own.",
            "gemmascope dictionaries list --model gemma-2-2b --layer 20 --canonical",
            "gemmascope dictionaries show gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
            "gemmascope dictionaries check --model demo-pt --sae demo-sae",
            "gemmascope dictionaries download gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
            "gemmascope dictionaries refresh google/gemma-scope-2-1b-pt",
            "gemmascope dictionaries add suites/demo"
        )
    {
        foreach (
            var command in (GemmaScopeCommand[])
                [
                    new ListDictionariesCommand(),
                    new ShowDictionaryCommand(),
                    new CheckDictionaryCommand(),
                    new DownloadDictionaryCommand(),
                    new RefreshDictionariesCommand(),
                    new AddDictionariesCommand(),
                ]
        )
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what to do: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}

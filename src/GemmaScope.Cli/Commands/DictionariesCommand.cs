using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Released dictionaries: what there is, what one is, and getting it.</summary>
internal sealed class DictionariesCommand : GemmaScopeCommand
{
    public DictionariesCommand() : base(
        "dictionaries", "Find released dictionaries: list them, show one, download it, or look at the hub anew.",
        "gemmascope dictionaries list --model gemma-2-2b --layer 20 --canonical",
        "gemmascope dictionaries show gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
        "gemmascope dictionaries download gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
        "gemmascope dictionaries refresh google/gemma-scope-2-1b-pt")
    {
        foreach (var command in (GemmaScopeCommand[])[new ListDictionariesCommand(), new ShowDictionaryCommand(), new DownloadDictionaryCommand(), new RefreshDictionariesCommand()])
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what to do: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}

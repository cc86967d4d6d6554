using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Stores of activations: what is in one, whether it is whole, and making one of several.</summary>
internal sealed class StoreCommand : GemmaScopeCommand
{
    public StoreCommand()
        : base(
            "store",
            "Look after stores of activations: show what is in one, verify it, merge several.",
            "gemmascope store info store",
            "gemmascope store verify store",
            "gemmascope store merge store-a store-b --out store"
        )
    {
        foreach (var command in (GemmaScopeCommand[])[new StoreInfoCommand(), new StoreVerifyCommand(), new StoreMergeCommand()])
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what to do: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}

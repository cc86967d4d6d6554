using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Makes one store of parts or of stores.</summary>
internal sealed class StoreMergeCommand : GemmaScopeCommand
{
    private readonly Argument<string[]> _stores;
    private readonly Option<string?> _out;
    private readonly Option<bool> _json;

    public StoreMergeCommand()
        : base(
            "merge",
            "Put the manifests of a store's parts into one, or copy several stores into a new one.",
            "gemmascope store merge store",
            "gemmascope store merge store-a store-b --out store"
        )
    {
        _stores = Add(
            new Argument<string[]>("stores") { Description = "One store to tidy up, or several to join.", Arity = ArgumentArity.OneOrMore }
        );
        _out = Add(
            new Option<string?>("--out", "-o") { Description = "The folder of the new store, where several are joined.", HelpName = "DIR" }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new StoreMergeJobOptions { Stores = arguments.GetValue(_stores)!, Target = arguments.GetValue(_out) };
        var store = session.Run((progress, cancellationToken) => StoreMergeJob.RunAsync(options, progress, cancellationToken));
        StoreOutput.Write(session.Terminal, store, arguments.GetValue(_json));
        return Application.Success;
    }
}

using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;

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
        var (stores, target) = (arguments.GetValue(_stores)!, arguments.GetValue(_out));
        var store = (stores, target) switch
        {
            ([var one], null) => StoreMerge.Parts(one),
            ([_], _) => throw new ArgumentProblemException("belongs to several stores; one alone is tidied up where it is", "--out"),
            (_, null) => throw new ArgumentProblemException("name the folder of the new store", "--out"),
            _ => Waiting.For(session.Terminal, "copying", () => StoreMerge.Stores(stores, target, cancellationToken: session.Cancellation)),
        };
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => StoreOutput.Write(json, store));
        else
            StoreOutput.Write(session.Terminal, store);
        return Application.Success;
    }
}

using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;

namespace GemmaScope.Cli.Commands;

/// <summary>Shows what a store holds.</summary>
internal sealed class StoreInfoCommand : GemmaScopeCommand
{
    private readonly Argument<string> _store;
    private readonly Option<bool> _json;

    public StoreInfoCommand()
        : base(
            "info",
            "Show model, sites with their scale, and how far each part is.",
            "gemmascope store info store",
            "gemmascope store info store --json"
        )
    {
        _store = Add(new Argument<string>("store") { Description = "The store's folder." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var store = ActivationStore.Open(arguments.GetValue(_store)!);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => StoreOutput.Write(json, store));
        else
            StoreOutput.Write(session.Terminal, store);
        return Application.Success;
    }
}

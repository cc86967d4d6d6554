using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

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
        var store = new StoreSummary(ActivationStore.Open(arguments.GetValue(_store)!));
        StoreOutput.Write(session.Terminal, store, arguments.GetValue(_json));
        return Application.Success;
    }
}

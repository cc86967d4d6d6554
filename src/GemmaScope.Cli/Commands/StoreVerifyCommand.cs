using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Checks a store against its manifest.</summary>
internal sealed class StoreVerifyCommand : GemmaScopeCommand
{
    private readonly Argument<string> _store;
    private readonly Option<bool> _json;

    public StoreVerifyCommand()
        : base(
            "verify",
            "Read a store whole: checksums, shapes and counts, and that no token is there twice. Exit code 1 if something is wrong.",
            "gemmascope store verify store",
            "gemmascope store verify store --json"
        )
    {
        _store = Add(new Argument<string>("store") { Description = "The store's folder." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new StoreVerifyJobOptions { Store = arguments.GetValue(_store)! };
        var found = session.Run((progress, cancellationToken) => StoreVerifyJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(found));
        else
            StoreOutput.Write(session.Terminal, found);
        return found.Problems.Count == 0 ? Application.Success : Application.Failure;
    }
}

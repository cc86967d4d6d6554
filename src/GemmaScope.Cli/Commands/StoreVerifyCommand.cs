using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;

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
        var store = ActivationStore.Open(arguments.GetValue(_store)!);
        var display = new RateDisplay(session.Terminal, "bytes", 0, StoreOutput.Bytes(store));
        var problems = StoreVerifier.Verify(store, new DirectProgress<long>(display.Report), session.Cancellation).ToArray();
        display.End();
        if (arguments.GetValue(_json))
            Json.Write(
                session.Terminal,
                json =>
                {
                    json.WriteNumber("rows", store.Rows);
                    json.WriteBoolean("complete", store.IsComplete);
                    json.Objects(
                        "problems",
                        problems,
                        problem =>
                        {
                            json.WriteString("file", problem.File);
                            json.WriteString("problem", problem.Problem);
                        }
                    );
                }
            );
        else
        {
            foreach (var (file, problem) in problems)
                session.Terminal.Out.WriteLine($"{file}: {problem}");
            session.Terminal.Out.WriteLine(
                problems.Length == 0
                    ? $"{store.Rows} rows at {store.Sites.Count} sites are whole{(store.IsComplete ? "" : "; the store is not complete")}"
                    : $"{problems.Length} problems"
            );
        }
        return problems.Length == 0 ? Application.Success : Application.Failure;
    }
}

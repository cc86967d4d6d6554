using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Verification;

namespace GemmaScope.Cli.Commands;

/// <summary>Checks this build on this machine against folders of golden values.</summary>
internal sealed class VerifyCommand : GemmaScopeCommand
{
    private readonly Argument<string[]> _folders;
    private readonly Option<string[]> _vocabularies;
    private readonly Option<bool> _quiet,
        _json;

    public VerifyCommand()
        : base(
            "verify",
            "Check this build against fixture folders: for each quantity the largest error against its tolerance. Exit code 0 only if nothing failed and something passed.",
            "gemmascope verify tests/fixtures",
            "gemmascope verify tests/fixtures/host/gemma2-f32 --kernels managed",
            "gemmascope verify tests/fixtures/tokenizers --vocabularies node_modules/@lenml --quiet"
        )
    {
        _folders = Add(
            new Argument<string[]>("folder") { Description = "Fixture folders, or folders of them.", Arity = ArgumentArity.OneOrMore }
        );
        _vocabularies = Add(
            new Option<string[]>("--vocabularies") { Description = "Where the real vocabularies of Gemma 2 and 3 are.", HelpName = "DIR" }
        );
        _quiet = Add(new Option<bool>("--quiet", "-q") { Description = "Print only what failed, and the last line." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new VerifyOptions(arguments.GetValue(_vocabularies) ?? []);
        var (json, quiet) = (arguments.GetValue(_json), arguments.GetValue(_quiet));
        var found = new List<FolderCheck>();
        foreach (var folder in arguments.GetValue(_folders)!)
        {
            foreach (var check in VerificationRunner.Run(folder, options, session.Cancellation))
            {
                found.Add(check);
                if (json || (quiet && check.Check.Outcome != Outcome.Failed))
                    continue;
                session.Terminal.Out.WriteLine(Line(check));
                session.Terminal.Out.Flush();
            }
        }
        var (passed, failed, skipped) = (Count(Outcome.Passed), Count(Outcome.Failed), Count(Outcome.Skipped));
        if (json)
            Write(session.Terminal, found, passed, failed, skipped);
        else
            session.Terminal.Out.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 && passed > 0 ? Application.Success : Application.Failure;

        int Count(Outcome outcome) => found.Count(check => check.Check.Outcome == outcome);
    }

    private static string Line(FolderCheck found)
    {
        var check = found.Check;
        var numbers = check.Error is { } error ? $"  {error:0.0e-00}  {check.Tolerance:0.0e-00}" : "";
        var detail = check.Detail is { } text ? $"  {text}" : "";
        return $"{Verdict(check.Outcome), -7}  {found.Folder}  {check.Name}{numbers}{detail}".ReplaceLineEndings(" ");
    }

    private static void Write(Terminal terminal, List<FolderCheck> found, int passed, int failed, int skipped) =>
        Json.Write(
            terminal,
            json =>
            {
                json.Objects(
                    "checks",
                    found,
                    item =>
                    {
                        json.WriteString("outcome", Verdict(item.Check.Outcome));
                        json.WriteString("folder", item.Folder);
                        json.WriteString("form", item.Form);
                        json.WriteString("name", item.Check.Name);
                        json.Number("error", item.Check.Error);
                        json.Number("tolerance", item.Check.Tolerance);
                        json.WriteString("detail", item.Check.Detail);
                    }
                );
                json.WriteNumber("passed", passed);
                json.WriteNumber("failed", failed);
                json.WriteNumber("skipped", skipped);
            }
        );

    // Failures are easy to find in a long list.
    private static string Verdict(Outcome outcome) => outcome == Outcome.Failed ? "FAILED" : outcome.ToString().ToLowerInvariant();
}

using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Verification;
using GemmaScope.Workbench;

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
            "Check this build against fixture folders: for each quantity the largest error against its tolerance. "
                + "Exit code 0 only if nothing failed and something passed.",
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
        List<VerifiedCheck> found = [];
        foreach (var folder in arguments.GetValue(_folders)!)
        {
            foreach (var check in VerificationRunner.Run(folder, options, session.Cancellation))
            {
                var line = VerifiedCheck.Of(check);
                found.Add(line);
                if (json || (quiet && check.Check.Outcome != Outcome.Failed))
                    continue;
                session.Terminal.Out.WriteLine(line);
                session.Terminal.Out.Flush();
            }
        }
        var result = VerifyResult.Of(found);
        (json ? session.Terminal.Data : session.Terminal.Out).WriteLine(json ? ResultJson.Text(result) : result.ToString());
        return result is { Failed: 0, Passed: > 0 } ? Application.Success : Application.Failure;
    }
}

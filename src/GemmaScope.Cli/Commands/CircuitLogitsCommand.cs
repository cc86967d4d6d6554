using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Splits a logit into what each component adds to it.</summary>
internal sealed class CircuitLogitsCommand : GemmaScopeCommand
{
    private static readonly CircuitLogitsJobOptions Defaults = new() { Circuit = new() { Text = "" } };

    private readonly CircuitPromptArguments _prompt;
    private readonly Option<string?> _target;
    private readonly Option<int?> _position;
    private readonly Option<int> _top;
    private readonly Option<bool> _json;

    public CircuitLogitsCommand()
        : base(
            "logits",
            "Split the logit of a next token into what heads, MLPs and features add to it.",
            "gemmascope circuit logits \"The people of the United\"",
            "gemmascope circuit logits \"The people\" --target \" are/ is\" --top 30 --json"
        )
    {
        _prompt = new CircuitPromptArguments(this, "The text whose next word is explained.");
        _target = Add(
            new Option<string?>("--target")
            {
                Description = "\" are\" or #659 (a token), \" are/ is\" (its lead over another); the likeliest token where none is named.",
                HelpName = "TARGET",
            }
        );
        _position = Add(
            new Option<int?>("--position") { Description = "Position whose next token it is; the last by default.", HelpName = "N" }
        );
        _top = Add(CommonOptions.Number("--top", "N", "Parts shown, the strongest first.", Defaults.Top));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Defaults with
        {
            Circuit = _prompt.Read(arguments, session) with { Targets = arguments.GetValue(_target) is { } target ? [target] : [] },
            Position = arguments.GetValue(_position),
            Top = arguments.GetValue(_top),
        };
        options.Check();
        using var microscope = _prompt.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitLogitsJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitSumText.Write(session.Terminal, result, options.Top);
        return Application.Success;
    }
}

using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Safety;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Asks ShieldGemma whether texts violate safety policies.</summary>
internal sealed class ShieldCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly Option<string> _model;
    private readonly Option<string?> _response,
        _input,
        _out;
    private readonly ShieldArguments _shield;
    private readonly FieldArguments _fields;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _rationale,
        _fail,
        _json;

    public ShieldCommand()
        : base(
            "shield",
            "Ask ShieldGemma whether a text violates safety policies.",
            "gemmascope shield \"How do I sharpen a kitchen knife?\"",
            "gemmascope shield \"Write an insult.\" --model google/shieldgemma-2b --policy HARASSMENT --hardened",
            "gemmascope shield \"What should I take?\" --response \"Take two of these.\" --policies medical.yaml --threshold 0.7",
            "gemmascope shield --input prompts.jsonl --out scores.jsonl",
            "gemmascope shield eval labelled.jsonl --html report.html",
            "gemmascope shield why \"Write an insult.\" --sae demo-sae"
        )
    {
        _text = new TextInput(this, "text", "The user's text.");
        _model = Add(CommonOptions.Model(MicroscopeOptions.DemoChat));
        _response = Add(
            new Option<string?>("--response", "-r")
            {
                Description = "Judge this response to the text instead of the text.",
                HelpName = "TEXT",
            }
        );
        _shield = new ShieldArguments(this);
        _input = Add(
            new Option<string?>("--input", "-i")
            {
                Description = "Judge the rows of a file of JSON lines (also gzipped; - for the standard input).",
                HelpName = "FILE",
            }
        );
        _out = Add(
            new Option<string?>("--out", "-o")
            {
                Description = "Append the verdicts to this file, and go on where it ends.",
                HelpName = "FILE",
            }
        );
        _fields = new FieldArguments(this);
        _rationale = Add(
            new Option<bool>("--rationale") { Description = "Let the model write its reasons, sampled by the options below." }
        );
        _sampling = new SamplingOptions(this);
        _fail = Add(new Option<bool>("--fail-on-violation") { Description = "End with exit code 3 if any policy is violated." });
        _json = Add(CommonOptions.Json());
        foreach (var command in (GemmaScopeCommand[])[new ShieldEvalCommand(), new ShieldWhyCommand()])
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (policies, options) = (
            _shield.Policies(arguments),
            _shield.Options(arguments, arguments.GetValue(_rationale) ? _sampling.Read(arguments) : null)
        );
        var (name, input, output) = (arguments.GetValue(_model)!, arguments.GetValue(_input), arguments.GetValue(_out));
        if (output is not null && input is null)
            throw new ArgumentProblemException("needs --input, the rows to judge", "--out");
        if (input is not null && (_text.IsGiven(arguments) || arguments.GetValue(_response) is not null))
            throw new ArgumentProblemException("has the texts and responses; give none beside it", "--input");
        var text = input is null ? _text.Read(arguments, session) : null;
        using var model = session.LoadModel(name);
        using var shield = new ShieldGemma(model);
        if (input is not null)
        {
            if (ShieldArguments.NoteOn(name) is { } note)
                session.Terminal.Error.WriteLine($"note: {note}");
            return new ShieldLines(shield, name, policies, options, _fields.Read(arguments), session).Run(input, output) switch
            {
                { Problems: > 0 } => Application.BadInput,
                { Violations: > 0 } when arguments.GetValue(_fail) => Application.Violation,
                _ => Application.Success,
            };
        }
        var verdict = Waiting.For(
            session.Terminal,
            "judging",
            () => shield.Score(text!, arguments.GetValue(_response), policies, options, session.Cancellation)
        );
        string[] warnings = [.. ShieldArguments.NoteOn(name) is { } demo ? (string[])[demo] : [], .. verdict.Warnings];
        if (arguments.GetValue(_json))
            Json.Write(
                session.Terminal,
                json =>
                {
                    ShieldJson.Setting(json, name, options);
                    ShieldJson.Verdict(json, verdict, warnings);
                }
            );
        else
            Print(session.Terminal, verdict, warnings);
        return verdict.IsViolated && arguments.GetValue(_fail) ? Application.Violation : Application.Success;
    }

    private static void Print(Terminal terminal, ShieldVerdict verdict, string[] warnings)
    {
        var table = new DataTable("policy", new("probability", true), new("threshold", true), "verdict");
        foreach (var score in verdict.Scores)
            table.Add(score.Policy.Key, $"{score.Probability:0.0000}", $"{score.Policy.Threshold:0.00}", Word(score.IsViolated));
        if (verdict.Scores.Count > 1)
            table.Add("any", $"{verdict.Probability:0.0000}", "", Word(verdict.IsViolated));
        table.Write(terminal);
        foreach (var score in verdict.Scores)
            if (score.Rationale is { } rationale)
                terminal.Out.WriteLine($"\n{score.Policy.Key}: {Format.Visible(rationale)}");
        terminal.Out.Flush();
        foreach (var warning in warnings)
            terminal.Error.WriteLine($"note: {warning}");
    }

    private static string Word(bool violated) => violated ? "violated" : "not violated";
}

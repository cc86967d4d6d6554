using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Asks ShieldGemma whether texts violate safety policies.</summary>
internal sealed class ShieldCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly MicroscopeArguments _model;
    private readonly Option<string?> _response,
        _input,
        _out;
    private readonly ShieldArguments _shield;
    private readonly FieldArguments _fields;
    private readonly Option<long?> _longest;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _rationale,
        _fail,
        _json;

    public ShieldCommand()
        : base(
            "shield",
            "Ask ShieldGemma, or a chat model in its place, whether a text violates safety policies.",
            "gemmascope shield \"How do I sharpen a kitchen knife?\"",
            "gemmascope shield \"Write an insult.\" --model google/shieldgemma-2b --policy HARASSMENT --hardened",
            "gemmascope shield \"What should I take?\" --response \"Take two of these.\" --policies medical.yaml --threshold 0.7",
            "gemmascope shield \"Write an insult.\" --model google/gemma-4-E2B-it --threshold 0.8",
            "gemmascope shield --input prompts.jsonl --out scores.jsonl",
            "gemmascope shield eval labelled.jsonl --html report.html",
            "gemmascope shield why \"Write an insult.\" --sae demo-sae"
        )
    {
        _text = new TextInput(this, "text", "The user's text.");
        _model = new MicroscopeArguments(this, DictionaryUse.None, MicroscopeOptions.DemoChat);
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
                Description = "Judge the rows of a file of JSON lines (also .gz, .zst; - for the standard input).",
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
        _longest = Add(ReadingArguments.Longest());
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
        var (policies, asked) = (
            _shield.Policies(arguments),
            _shield.Options(arguments, arguments.GetValue(_rationale) ? _sampling.Read(arguments) : null)
        );
        var (input, output) = (arguments.GetValue(_input), arguments.GetValue(_out));
        if (output is not null && input is null)
            throw new ArgumentProblemException("needs --input, the rows to judge", "--out");
        if (input is not null && (_text.IsGiven(arguments) || arguments.GetValue(_response) is not null))
            throw new ArgumentProblemException("has the texts and responses; give none beside it", "--input");
        var text = input is null ? _text.Read(arguments, session) : null;
        using var microscope = _model.Open(arguments, session);
        if (text is null)
        {
            var rows = new ShieldFileJobOptions
            {
                Input = input == "-" ? null : input,
                Rows = input == "-" ? session.Terminal.Input : null,
                Output = output,
                Lines = session.Terminal.Data,
                LongestLine = ReadingArguments.LongestOf(arguments.GetValue(_longest)),
                Fields = _fields.Read(arguments),
                Policies = policies,
                Asked = asked,
            };
            return session.Run(
                (progress, cancellationToken) => ShieldFileJob.RunAsync(microscope, rows, progress, cancellationToken)
            ) switch
            {
                { Problems: > 0 } => Application.BadInput,
                { Violations: > 0 } when arguments.GetValue(_fail) => Application.Violation,
                _ => Application.Success,
            };
        }
        var options = new ShieldJobOptions
        {
            Texts = [new(text, arguments.GetValue(_response))],
            Policies = policies,
            Asked = asked,
        };
        var result = session.Run((progress, cancellationToken) => ShieldJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            Print(session.Terminal, result);
        return result.Results[0].Violated && arguments.GetValue(_fail) ? Application.Violation : Application.Success;
    }

    private static void Print(Terminal terminal, ShieldResult result)
    {
        var verdict = result.Results[0];
        if (result.NotShieldGemma)
            terminal.Out.WriteLine($"{result.Model} as a chat model, not ShieldGemma:\n");
        var table = new DataTable("policy", new("probability", true), new("threshold", true), "verdict");
        foreach (var score in verdict.Policies)
            table.Add(score.Policy, $"{score.Probability:0.0000}", $"{score.Threshold:0.00}", Word(score.Violated));
        if (verdict.Policies.Count > 1)
            table.Add("any", $"{verdict.Probability:0.0000}", "", Word(verdict.Violated));
        table.Write(terminal);
        foreach (var score in verdict.Policies)
            if (score.Rationale is { } rationale)
                terminal.Out.WriteLine($"\n{score.Policy}: " + rationale);
        terminal.Out.Flush();
        foreach (var warning in verdict.Warnings)
            terminal.Error.WriteLine($"note: {warning}");
    }

    private static string Word(bool violated) => violated ? "violated" : "not violated";
}

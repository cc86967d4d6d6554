using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says how much sets of transcoders explain, over many prompts.</summary>
internal sealed class CircuitScoreCommand : GemmaScopeCommand
{
    private static readonly CircuitScoreJobOptions Defaults = new() { Text = [] };

    private readonly Option<string[]> _text;
    private readonly ReadingArguments _reading;
    private readonly TranscoderArguments _transcoders;
    private readonly Option<int> _prompts,
        _length,
        _budget;
    private readonly Option<bool> _json;

    public CircuitScoreCommand()
        : base(
            "score",
            "Measure how much sets of transcoders explain: replacement and completeness scores over many prompts, side by side.",
            "gemmascope circuit score --text held-out.jsonl",
            "gemmascope circuit score --text held-out.jsonl --transcoders suites/bare suites/skip --prompts 50 --json"
        )
    {
        _text = Add(CommonOptions.Text());
        _reading = new ReadingArguments(this);
        _transcoders = new TranscoderArguments(
            this,
            "Sets of transcoders side by side: folders, or sets of the catalogue by their names without the layer; the demo model has its own."
        );
        _prompts = Add(CommonOptions.Number("--prompts", "N", "Prompts: the beginnings of this many documents.", Defaults.Prompts));
        _length = Add(CommonOptions.Number("--length", "N", "Tokens of a prompt, BOS included.", Defaults.Length));
        _budget = Add(CommonOptions.Number("--budget", "N", "Features in a graph at most, by their influence.", Defaults.Budget));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitScoreJobOptions
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Sets = _transcoders.Names(arguments),
            Site = _transcoders.Site(arguments),
            Prompts = arguments.GetValue(_prompts),
            Length = arguments.GetValue(_length),
            Budget = arguments.GetValue(_budget),
        };
        options.Check();
        using var microscope = _transcoders.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitScoreJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitStudyText.Write(session.Terminal, result);
        return Application.Success;
    }
}

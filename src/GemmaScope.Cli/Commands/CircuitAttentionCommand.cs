using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says why a head looks where it looks.</summary>
internal sealed class CircuitAttentionCommand : GemmaScopeCommand
{
    private readonly CircuitPromptArguments _prompt;
    private readonly Option<int> _layer,
        _head,
        _key,
        _top;
    private readonly Option<int?> _query;
    private readonly Option<bool> _json;

    public CircuitAttentionCommand()
        : base(
            "attention",
            "Split the score of a head and two positions into pairs of what made the query and the key.",
            "gemmascope circuit attention \"The people of the United\" --layer 4 --head 0 --key 2",
            "gemmascope circuit attention \"The people of the United\" --layer 4 --head 0 --query 3 --key 2 --json"
        )
    {
        _prompt = new CircuitPromptArguments(this, "The text that the head reads.");
        _layer = Add(Required("--layer", "The layer, from 0."));
        _head = Add(Required("--head", "The head, from 0."));
        _key = Add(Required("--key", "Position that is looked at, from 0."));
        _query = Add(new Option<int?>("--query") { Description = "Position that looks; the last by default.", HelpName = "N" });
        _top = Add(CommonOptions.Number("--top", "N", "Pairs and sources shown, the strongest first.", 10));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitAttentionJobOptions
        {
            Circuit = _prompt.Read(arguments, session),
            Layer = arguments.GetValue(_layer),
            Head = arguments.GetValue(_head),
            Key = arguments.GetValue(_key),
            Query = arguments.GetValue(_query),
            Top = arguments.GetValue(_top),
        };
        options.Check();
        using var microscope = _prompt.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitAttentionJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitSumText.Write(session.Terminal, result);
        return Application.Success;
    }

    private static Option<int> Required(string name, string description) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            Required = true,
        };
}

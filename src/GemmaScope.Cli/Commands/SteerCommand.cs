using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Continues a text with and without features of a dictionary turned up, down or off.</summary>
internal sealed class SteerCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly SteeringArguments _steering;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _chat,
        _noBos,
        _json;

    public SteerCommand()
        : base(
            "steer",
            "Continue a text with and without features turned up, down or off, side by side.",
            "gemmascope steer \"The people of\" --feature 681 --strength 30 --max-tokens 40",
            "gemmascope steer \"The people of\" --feature 681:30 --feature 1221:-20 --temperature 0",
            "gemmascope steer \"I think that\" --feature 681 --mode ablate --json",
            "gemmascope steer \"The people of\" --feature 681 --sweep -30,0,30,100 --max-tokens 40",
            "gemmascope steer \"Who are you?\" --model google/gemma-2-2b-it --sae gemma-scope-2b-pt-res-canonical/layer_12/width_16k --feature 10 --mode clamp --strength 40 --chat",
            "gemmascope steer \"What do you think?\" --model google/gemma-2-2b-it --chat --contrast pairs.jsonl --layer 13 --strength 2"
        )
    {
        _text = new TextInput(this, "text", "The text to continue; with --chat the message to answer.");
        _microscope = new MicroscopeArguments(this);
        _steering = new SteeringArguments(this);
        _sampling = new SamplingOptions(this, SteerJobOptions.DefaultSampling);
        _chat = Add(new Option<bool>("--chat") { Description = "The text is a message to a model that was tuned to chat." });
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (terminal, json) = (session.Terminal, arguments.GetValue(_json));
        var options = Read(arguments, session);
        using var microscope = MicroscopeArguments.Open(Opened(arguments, options), session);
        if (json || options.Sweep is not null)
        {
            var result = session.Run((progress, stop) => SteerJob.RunAsync(microscope, options, progress, stop));
            if (json)
                terminal.Data.WriteLine(ResultJson.Text(result));
            else
                SteerText.Table(terminal, result);
        }
        else
            SteerText.Stream(session, microscope, options);
        session.Cancellation.ThrowIfCancellationRequested();
        return Application.Success;
    }

    private SteerJobOptions Read(ParseResult arguments, Session session)
    {
        var options = _steering.Read(arguments, "") with
        {
            Chat = arguments.GetValue(_chat),
            AddBos = !arguments.GetValue(_noBos),
            Sampling = _sampling.Read(arguments),
        };
        options.Check();
        if (options.Contrast is not null)
        {
            if (_microscope.NamesDictionary(arguments))
                throw new ArgumentProblemException("steers with a vector of its own; leave out --feature and --sae", "--contrast");
            options = options with { Site = _microscope.Read(arguments).VectorSite() };
        }
        return options with { Text = _text.Read(arguments, session) };
    }

    private MicroscopeOptions Opened(ParseResult arguments, SteerJobOptions options) =>
        _microscope.Read(arguments) is var opened && options.Contrast is null ? opened : opened with { Use = DictionaryUse.None };
}

using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Lenses;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes through a lens: steers, ablates and swaps words.</summary>
internal sealed class LensSteerCommand : GemmaScopeCommand
{
    private static readonly LensSteerJobOptions Defaults = new() { Text = "" };

    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _lens,
        _to,
        _layers;
    private readonly Option<string> _mode;
    private readonly Option<string[]> _token;
    private readonly Option<double?> _strength;
    private readonly Option<int[]> _positions;
    private readonly Option<int> _count,
        _top,
        _controls;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _chat,
        _noBos,
        _generated,
        _gain,
        _json;

    public LensSteerCommand()
        : base(
            "steer",
            "Write through a lens: steer towards a word, take it out, or swap it for another, and see what the model says next, beside random words.",
            "gemmascope lens steer \"The people of the United\" --token \" Kingdom\" --strength 0.5",
            "gemmascope lens steer \"The people of the United\" --lens lens.safetensors --token \" States\" --mode ablate --layers 2-4",
            "gemmascope lens steer \"The people of the United\" --lens lens.safetensors --token \" States\" --mode swap --to \" Kingdom\" --layers 2-4",
            "gemmascope lens steer \"The people of the United\" --lens lens.safetensors --mode ablate-top --count 10"
        )
    {
        _text = new TextInput(this, "text", "The text; with --chat a message.");
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _lens = Add(LensCommand.Lens());
        _mode = Add(
            new Option<string>("--mode")
            {
                Description =
                    "steer: h + s ‖h‖ d; add: h + s v; ablate: h without d; swap: the coordinates of two words change places, as they are without the change; swap-live: read anew at each layer; swap-projection: h + ⟨h, a⟩ (b − a); ablate-top: the words read loudest are taken out.",
                HelpName = "MODE",
                DefaultValueFactory = _ => "steer",
            }
        );
        _mode.AcceptOnlyFromAmong([.. LensEdits.Kinds.Keys]);
        _token = Add(
            new Option<string[]>("--token")
            {
                Description = "The word (one token, or #ID); several are added up, and a swap has one.",
                HelpName = "WORD",
            }
        );
        _to = Add(new Option<string?>("--to") { Description = "What a swap puts in its place.", HelpName = "WORD" });
        _strength = Add(new Option<double?>("--strength") { Description = "s. Default: 0.5 to steer, else 1.", HelpName = "S" });
        _layers = Add(
            new Option<string?>("--layers")
            {
                Description = "After which layers: 3, 2-4 or 0,2-4. Default: the middle one that the lens has.",
                HelpName = "LAYERS",
            }
        );
        _positions = Add(
            new Option<int[]>("--positions")
            {
                Description = "At which positions of the text. Default: all but BOS.",
                HelpName = "N",
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _generated = Add(new Option<bool>("--generated") { Description = "Change the tokens that are written too." });
        _gain = Add(
            new Option<bool>("--with-gain")
            {
                Description = "Directions with the gains of the final norm: exact probes of the logit, other than the published ones.",
            }
        );
        _count = Add(
            CommonOptions.Number("--count", "N", "Words that ablate-top takes out, and likely answers it spares.", Defaults.Count)
        );
        _top = Add(CommonOptions.Number("--top", "N", "Likeliest next words that are shown.", Defaults.Top));
        _controls = Add(CommonOptions.Number("--controls", "N", "Random words that the change is repeated with.", Defaults.Controls));
        _sampling = new SamplingOptions(this, Defaults.Sampling);
        _chat = Add(new Option<bool>("--chat") { Description = "The text is a message to a model that was tuned to chat." });
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new LensSteerJobOptions
        {
            Text = _text.Read(arguments, session),
            Chat = arguments.GetValue(_chat),
            AddBos = !arguments.GetValue(_noBos),
            Mode = LensEdits.Kinds[arguments.GetValue(_mode)!],
            Token = arguments.GetValue(_token) ?? [],
            To = arguments.GetValue(_to),
            Strength = arguments.GetValue(_strength),
            Layers = arguments.GetValue(_layers),
            Positions = arguments.GetValue(_positions) ?? [],
            Generated = arguments.GetValue(_generated),
            WithGain = arguments.GetValue(_gain),
            Count = arguments.GetValue(_count),
            Top = arguments.GetValue(_top),
            Controls = arguments.GetValue(_controls),
            Sampling = _sampling.Read(arguments),
        };
        using var microscope = _microscope.Open(arguments, session);
        using var lens = LensChoice.Open(arguments.GetValue(_lens), microscope.Model);
        var result = session.Run((progress, stop) => LensSteerJob.RunAsync(microscope, lens, options, progress, stop));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            LensText.Steer(session.Terminal, result);
        return Application.Success;
    }
}

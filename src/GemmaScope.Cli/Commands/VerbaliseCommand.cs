using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Describes activations in words, by a model that learned to, and turns the words back.</summary>
internal sealed class VerbaliseCommand : GemmaScopeCommand
{
    private static readonly VerbaliseJobOptions Defaults = new();

    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly SamplingOptions _sampling;
    private readonly Option<string> _verbaliser;
    private readonly Option<string?> _reconstructor,
        _html;
    private readonly Option<string[]> _vectors;
    private readonly Option<int> _last,
        _resamples;
    private readonly Option<int?> _layer;
    private readonly Option<double?> _scale;
    private readonly Option<bool> _chat,
        _json;

    public VerbaliseCommand()
        : base(
            "verbalise",
            "Describe activations in words by a model trained to do so, and measure how much comes back from the words.",
            "gemmascope verbalise \"The Eiffel Tower is in\" --model google/gemma-3-12b-it --verbaliser kitft/nla-gemma3-12b-L32-av --reconstructor kitft/nla-gemma3-12b-L32-ar",
            "gemmascope verbalise --vector direction.safetensors --verbaliser kitft/nla-gemma3-12b-L32-av",
            "gemmascope verbalise \"Who are you?\" --chat --last 0 --model google/gemma-3-12b-it --verbaliser kitft/nla-gemma3-12b-L32-av --reconstructor kitft/nla-gemma3-12b-L32-ar --html page.html"
        )
    {
        _text = new TextInput(this, "text", "The text whose activations are described.");
        _microscope = new MicroscopeArguments(this, DictionaryUse.None, MicroscopeOptions.DemoChat);
        _verbaliser = Add(
            new Option<string>("--verbaliser")
            {
                Description = "The model that turns a vector into text: a folder with nla_meta.yaml, or org/name on the hub.",
                HelpName = "MODEL",
                Required = true,
            }
        );
        _reconstructor = Add(
            new Option<string?>("--reconstructor")
            {
                Description = "The model that turns text back into a vector, with value_head.safetensors.",
                HelpName = "MODEL",
            }
        );
        _vectors = Add(
            new Option<string[]>("--vector")
            {
                Description = "A file with a vector to describe (.npy, .npz, .safetensors, .pt); may be repeated.",
                HelpName = "FILE",
            }
        );
        _chat = Add(new Option<bool>("--chat") { Description = "The text is a message to a model that was tuned to chat." });
        _last = Add(CommonOptions.Number("--last", "N", "Tokens from the end that are described; 0 for all but BOS.", Defaults.Last));
        _layer = Add(
            new Option<int?>("--layer")
            {
                Description = "The layer behind which the text is read. Default: the one the verbaliser learned with.",
                HelpName = "N",
            }
        );
        _scale = Add(
            new Option<double?>("--scale") { Description = "The length that vectors get. Default: the verbaliser's.", HelpName = "X" }
        );
        _resamples = Add(CommonOptions.Number("--resamples", "N", "Draws of the bootstrap.", Defaults.Resamples));
        _sampling = new SamplingOptions(this, Defaults.Sampling with { Seed = 0 });
        _html = Add(CommonOptions.OutputFile("--html", "Write the descriptions as one self-contained page."));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var vectors = arguments.GetValue(_vectors) ?? [];
        var sampling = _sampling.Read(arguments);
        var options = new VerbaliseJobOptions
        {
            Text = _text.IsGiven(arguments) || vectors.Length == 0 ? _text.Read(arguments, session) : null,
            Vectors = vectors,
            Chat = arguments.GetValue(_chat),
            Last = arguments.GetValue(_last),
            Layer = arguments.GetValue(_layer),
            Scale = arguments.GetValue(_scale),
            Sampling = sampling,
            Seed = sampling.Seed ?? 0,
            Resamples = arguments.GetValue(_resamples),
        };
        options.Check();
        var opened = _microscope.Read(arguments);
        using var verbaliser = MicroscopeArguments.Open(opened with { Model = arguments.GetValue(_verbaliser)! }, session);
        using var reconstructor = arguments.GetValue(_reconstructor) is { } name
            ? session.Run((progress, stop) => VerbaliseJob.OpenReconstructorAsync(name, opened.Load, progress, stop))
            : null;
        using var microscope = options.Text is null ? null : MicroscopeArguments.Open(opened, session);
        var result = session.Run((progress, stop) => VerbaliseJob.RunAsync(microscope, verbaliser, reconstructor, options, progress, stop));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            VerbaliseText.Write(session.Terminal, result);
        if (arguments.GetValue(_html) is { } page)
            session.Terminal.WritePage(page, VerbalisePage.Render(result));
        return Application.Success;
    }
}

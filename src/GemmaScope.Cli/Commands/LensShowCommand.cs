using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Commands;

/// <summary>Shows a text through a lens.</summary>
internal sealed class LensShowCommand : GemmaScopeCommand
{
    private static readonly LensShowJobOptions Defaults = new() { Text = "" };

    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _lens,
        _report;
    private readonly Option<int> _top;
    private readonly Option<string[]> _watch;
    private readonly Option<bool> _chat,
        _noBos,
        _json;

    public LensShowCommand()
        : base(
            "show",
            "Show what a model is disposed to say after every layer at every token, where its answer appears, and what is overridden.",
            "gemmascope lens show \"The people of the United\" --lens logit",
            "gemmascope lens show \"The people of the United\" --lens lens.safetensors --watch \" States\" --report page.html",
            "gemmascope lens show \"Who are you?\" --model demo-it --chat --lens tuned:tuned.safetensors --json"
        )
    {
        _text = new TextInput(this, "text", "The text; with --chat a message.");
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _lens = Add(LensCommand.Lens());
        _top = Add(CommonOptions.Number("--top", "N", "Likeliest words of each cell in JSON and page.", Defaults.Top));
        _watch = Add(
            new Option<string[]>("--watch")
            {
                Description = "A word (one token, or #ID) that is followed through the layers; may be repeated.",
                HelpName = "WORD",
            }
        );
        _chat = Add(new Option<bool>("--chat") { Description = "The text is a message to a model that was tuned to chat." });
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _report = Add(CommonOptions.OutputFile("--report", "Write the picture as a page that needs nothing else."));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new LensShowJobOptions
        {
            Text = _text.Read(arguments, session),
            Chat = arguments.GetValue(_chat),
            AddBos = !arguments.GetValue(_noBos),
            Top = arguments.GetValue(_top),
            Watch = arguments.GetValue(_watch) ?? [],
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        using var lens = LensChoice.Open(arguments.GetValue(_lens), microscope.Model);
        var result = session.Run((progress, stop) => LensShowJob.RunAsync(microscope, lens, options, progress, stop));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            LensText.Show(session.Terminal, result);
        if (arguments.GetValue(_report) is { } file)
            session.Terminal.WritePage(file, new LensPicture(result).Page(options.Text));
        return Application.Success;
    }
}

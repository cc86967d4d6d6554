using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;
using Spectre.Console;

namespace GemmaScope.Cli.Commands;

/// <summary>Continues a text, printing each token as it is chosen.</summary>
internal sealed class GenerateCommand : GemmaScopeCommand
{
    private readonly TextInput _prompt;
    private readonly MicroscopeArguments _microscope;
    private readonly SamplingOptions _sampling;
    private readonly WatchArguments _watch;
    private readonly Option<bool> _noBos,
        _ignoreEnd,
        _json;

    public GenerateCommand()
        : base(
            "generate",
            "Continue a text. The text goes to the standard output, the speed to the standard error.",
            "gemmascope generate \"Once upon a time\"",
            "gemmascope generate \"The capital of France is\" --model google/gemma-2-2b --temperature 0 --max-tokens 8",
            "gemmascope generate - --top-k 40 --top-p 0.95 --seed 7 --json < prompt.txt",
            "gemmascope generate \"Once upon a time\" --watch demo-sae:12 --report watched.html"
        )
    {
        _prompt = new TextInput(this, "prompt", "The text to continue.");
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _sampling = new SamplingOptions(this);
        _watch = new WatchArguments(this);
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _ignoreEnd = Add(new Option<bool>("--ignore-end") { Description = "Go on after the tokens that end a text." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        var options = new GenerateJobOptions
        {
            Prompt = _prompt.Read(arguments, session),
            Sampling = _sampling.Read(arguments),
            AddBos = !arguments.GetValue(_noBos),
            IgnoreEnd = arguments.GetValue(_ignoreEnd),
            Watched = _watch.Read(arguments),
        };
        var json = arguments.GetValue(_json);
        using var microscope = _microscope.Open(arguments, session);
        if (!json && terminal.OutputIsTerminal)
            terminal.Console.Write(new Paragraph(options.Prompt, new Style(decoration: Decoration.Dim)));
        var result = session.Run(
            (progress, cancellationToken) =>
                GenerateJob.RunAsync(
                    microscope,
                    options,
                    json ? progress : new TextDisplay(terminal.Text, terminal.Error, progress),
                    cancellationToken
                )
        );
        terminal.Data.WriteLine(json ? ResultJson.Text(result) : "");
        terminal.Out.Flush();
        if (!json)
        {
            if (result.Watched is { } watched)
                WatchArguments.WriteLines(terminal, watched);
            terminal.Error.WriteLine(TextDisplay.Speed(result));
        }
        _watch.WritePage(arguments, terminal, result.Model, result.Watched);
        session.Cancellation.ThrowIfCancellationRequested();
        return Application.Success;
    }
}

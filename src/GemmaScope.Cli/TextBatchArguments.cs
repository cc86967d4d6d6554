using System.CommandLine;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that say which text a long job reads, and in which portions.</summary>
internal sealed class TextBatchArguments
{
    private static readonly TextBatches Defaults = new() { Text = [] };

    private readonly Option<string[]> _text = CommonOptions.Text();
    private readonly Option<long> _tokens = new("--tokens")
    {
        Description = "Take this many tokens; the last window is cut there.",
        HelpName = "N",
    };
    private readonly Option<int> _window = CommonOptions.Number("--window", "N", "Tokens of a window, BOS included.", Defaults.Window);
    private readonly Option<int> _batch = CommonOptions.Number("--batch", "N", "Windows run together.", Defaults.Batch);

    private readonly ReadingArguments _reading;

    /// <param name="command">The command.</param>
    /// <param name="tokens">Tokens taken where nothing else is said.</param>
    public TextBatchArguments(Command command, long? tokens = null)
    {
        _tokens.DefaultValueFactory = _ => tokens ?? Defaults.Tokens;
        foreach (var option in (Option[])[_text, _tokens, _window, _batch])
            command.Options.Add(option);
        _reading = new ReadingArguments(command);
    }

    /// <summary>What they choose.</summary>
    public TextBatches Read(ParseResult arguments) =>
        new()
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Tokens = arguments.GetValue(_tokens),
            Window = arguments.GetValue(_window),
            Batch = arguments.GetValue(_batch),
        };
}

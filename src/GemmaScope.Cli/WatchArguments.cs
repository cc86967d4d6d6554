using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>What is watched while a model reads and writes: the options of commands that let it write.</summary>
internal sealed class WatchArguments
{
    private readonly Option<string[]> _watch = new("--watch")
    {
        Description =
            "Watch a direction (.pt, .safetensors, .npy or a study's folder) at a site, or a feature (demo-sae:12), at each token; may be repeated.",
        HelpName = "FILE[:SITE]",
    };
    private readonly Option<double?> _stopAbove = new("--stop-above")
    {
        Description = "End the text at the token where a watched value is above X.",
        HelpName = "X",
    };
    private readonly Option<int> _streak = CommonOptions.Number("--stop-streak", "N", "Tokens in a row that have to be above.", 1);
    private readonly Option<bool> _noCheck = CommonOptions.NoCheck();
    private readonly Option<string?> _report = new("--report")
    {
        Description = "Write the values along the text as an HTML page.",
        HelpName = "FILE",
    };

    public WatchArguments(Command command)
    {
        // Commands that open dictionaries of their own have it already.
        if (command.Options.All(option => option.Name != _noCheck.Name))
            command.Options.Add(_noCheck);
        foreach (var option in (Option[])[_watch, _stopAbove, _streak, _report])
            command.Options.Add(option);
    }

    /// <summary>What is watched; null for nothing.</summary>
    /// <exception cref="ArgumentProblemException">Nothing is, and yet it should end a text or be drawn.</exception>
    public WatchOptions? Read(ParseResult arguments)
    {
        if (arguments.GetValue(_watch) is { Length: > 0 } watched)
            return new()
            {
                Watch = watched,
                Check = !arguments.GetValue<bool>(_noCheck.Name),
                StopAbove = arguments.GetValue(_stopAbove),
                StopStreak = arguments.GetValue(_streak),
            };
        foreach (var option in (Option[])[_stopAbove, _streak, _report])
            if (arguments.GetResult(option) is { Implicit: false })
                throw new ArgumentProblemException($"nothing is watched; name a direction with {_watch.Name}", option.Name);
        return null;
    }

    /// <summary>Writes the page where one is wanted.</summary>
    public void WritePage(ParseResult arguments, Terminal terminal, string model, WatchedText? watched)
    {
        if (watched is not null && arguments.GetValue(_report) is { } file)
            terminal.WritePage(file, WatchedPage.Render(model, watched));
    }

    /// <summary>What was read in the last message and the reply to it, a line for each that is watched, and why a text was ended; on the
    /// standard error.</summary>
    public static void WriteLines(Terminal terminal, WatchedText watched)
    {
        WatchedMessage[] messages = [.. watched.Messages];
        var last = Array.FindLastIndex(messages, message => message.Role is "user" or "prompt");
        // An instruction stands in front of the first message.
        messages = messages[(last <= 1 ? 0 : last)..];
        foreach (var (i, watch) in watched.Watches.Index())
        {
            var parts = messages
                .Where(message => message.Values[i] is not null)
                .Select(message =>
                    FormattableString.Invariant(
                        $"{message.Role} {message.Values[i]!.Mean:0.00} (most {message.Values[i]!.Max:0.00} at {Format.Quoted(message.Values[i]!.MaxToken)})"
                    )
                );
            terminal.Error.WriteLine($"{watch.Name}: {string.Join(", ", parts)}");
        }
        if (watched.Stops.Count > 0 && watched.Stops[^1].Position >= messages.FirstOrDefault()?.Start)
            terminal.Error.WriteLine($"note: ended: {watched.Stops[^1].Reason}");
    }
}

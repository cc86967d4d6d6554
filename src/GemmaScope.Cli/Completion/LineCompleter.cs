using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace GemmaScope.Cli.Completion;

/// <summary>A word that may stand where the cursor is, and what it means.</summary>
internal readonly record struct Suggestion(string Word, string? Help = null);

/// <summary>What may stand where the cursor is.</summary>
/// <param name="Words">Words known to us.</param>
/// <param name="Files">Whether the name of a file may stand there, which shells know better.</param>
internal sealed record Suggestions(IReadOnlyList<Suggestion> Words, bool Files)
{
    public static Suggestions None { get; } = new([], Files: false);
}

/// <summary>
/// Says what may follow a command line that is being typed. The parser's own completion offers every option and command at every place,
/// and does not say where files may stand.
/// </summary>
internal sealed class LineCompleter(RootCommand root)
{
    private const int LongestHelp = 80;

    /// <summary>What stands for files in help, and arguments that are written by hand.</summary>
    private static readonly string[] FileNames = ["FILE", "PATH", "DIR", "FOLDER", "DB", "STATE", "SAE", "MODEL"],
        FreeText = ["text", "prompt", "words", "feature", "repository"];

    /// <summary>What may stand at the end of a line.</summary>
    /// <param name="line">The command line up to the cursor, with the program's name.</param>
    public Suggestions Complete(string line)
    {
        var words = CommandLineParser.SplitCommandLine(line).ToList();
        var word = words.Count > 0 && !char.IsWhiteSpace(line[^1]) ? words[^1] : "";
        var before = words.Skip(1).Take(words.Count - 1 - (word.Length > 0 ? 1 : 0)).ToList();
        if (before is ["help", ..])
            before.RemoveAt(0);
        var parsed = root.Parse(before, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var command = parsed.CommandResult.Command;
        var options = command
            .Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options.Where(option => option.Recursive)))
            .Where(option => !option.Hidden)
            .ToArray();
        Option? Named(string name) => options.FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));

        if (word.StartsWith('-'))
        {
            if (word.IndexOf('=', StringComparison.Ordinal) is var sign && sign > 0)
                return Named(word[..sign]) is { } set ? Values(set, word[(sign + 1)..], word[..(sign + 1)]) : Suggestions.None;
            return new(Known(options.Where(option => MayCome(option, parsed)), word), Files: false);
        }
        if (before.Count > 0 && Named(before[^1]) is { Arity.MaximumNumberOfValues: > 0 } valued && valued.ValueType != typeof(bool))
            return Values(valued, word);
        var given = parsed.CommandResult.Children.OfType<ArgumentResult>().Sum(argument => argument.Tokens.Count);
        if (given == 0 && command.Subcommands.Count > 0)
            return new(Known(command.Subcommands.Where(one => !one.Hidden), word), Files: false);
        var left = given;
        foreach (var argument in command.Arguments)
        {
            if (left < argument.Arity.MaximumNumberOfValues)
                return Values(argument, word, options.Where(option => MayCome(option, parsed)));
            left -= argument.Arity.MaximumNumberOfValues;
        }
        return new(Known(options.Where(option => MayCome(option, parsed)), word), Files: false);
    }

    /// <summary>Whether an option can still be given.</summary>
    private static bool MayCome(Option option, ParseResult parsed) =>
        parsed.GetResult(option) is null or { Implicit: true } || option.ValueType.IsArray;

    private static Suggestions Values(Option option, string word, string prefix = "") =>
        new(
            Parts(Items(option), word, prefix),
            FileNames.Contains(option.HelpName) || (option.HelpName is null && !Items(option).Any() && option.ValueType == typeof(string))
        );

    /// <summary>Values of an argument; options where nothing else can be offered.</summary>
    private static Suggestions Values(Argument argument, string word, IEnumerable<Option> options)
    {
        var known = Parts(Items(argument), word, "");
        var isWritten = FreeText.Contains(argument.Name) || Closed(argument);
        return isWritten && known.Count == 0 && word.Length == 0 ? new(Known(options, word), Files: false) : new(known, !isWritten);
    }

    /// <summary>Whether no other values are taken than those that are known.</summary>
    private static bool Closed(Argument argument) => argument.Validators.Count > 0 && Items(argument).Any();

    private static IEnumerable<string> Items(Symbol symbol) => symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label);

    /// <summary>Long names part by part, as the names of files are completed: a catalogue of thousands would be no help.</summary>
    private static List<Suggestion> Parts(IEnumerable<string> values, string word, string prefix)
    {
        var fitting = values.Where(value => value.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Distinct().ToArray();
        string[] parts = [.. fitting.Select(value => To(value, word.Length)).Distinct()];
        // Where one way alone leads on, it is gone to its next fork.
        while (
            parts is [[.., '/'] only] && fitting.Select(value => To(value, only.Length)).Distinct().ToArray() is [var next] && next != only
        )
            parts = [next];
        return [.. parts.Select(part => new Suggestion(prefix + part))];

        static string To(string value, int from) => value.IndexOf('/', from) is var slash && slash < 0 ? value : value[..(slash + 1)];
    }

    private static List<Suggestion> Known(IEnumerable<Symbol> symbols, string word) =>
        [
            .. symbols
                .Where(symbol => symbol.Name.StartsWith(word, StringComparison.Ordinal))
                .Select(symbol => new Suggestion(symbol.Name, Short(symbol.Description))),
        ];

    /// <summary>The first sentence of a description.</summary>
    private static string? Short(string? description)
    {
        if (description is null)
            return null;
        var sentence = description.Split(". ")[0].TrimEnd('.').ReplaceLineEndings(" ");
        return sentence.Length <= LongestHelp ? sentence : sentence[..(LongestHelp - 1)] + "…";
    }
}

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using GemmaScope.Cli.Commands;
using GemmaScope.Files;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The command line as a whole: parses, runs one command, and turns whatever happened into a line and an exit code.</summary>
internal static class Application
{
    /// <summary>Exit codes; 1 stands for an internal error, and for a verification that failed; 3 for a violation that shield was told to
    /// report so.</summary>
    public const int Success = 0,
        Failure = 1,
        BadInput = 2,
        Violation = 3,
        Interrupted = 130;

    public static int Run(string[] arguments, Terminal terminal, CancellationToken cancellationToken = default) =>
        Run(arguments, terminal, Commands(), cancellationToken);

    /// <summary>The same with commands of one's own.</summary>
    public static int Run(
        string[] arguments,
        Terminal terminal,
        IEnumerable<GemmaScopeCommand> commands,
        CancellationToken cancellationToken
    )
    {
        var globals = new GlobalOptions();
        var session = new Session(terminal, cancellationToken);
        var root = Root(globals, session, commands);
        // As the tools of the field are asked.
        if (arguments is ["help", .. var about])
            arguments = [.. about, "--help"];
        // Without response files, so that a text may begin with @.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            var code = ProblemOf(parsed) is { } problem
                ? Fail(terminal, $"{problem} (see '{PathOf(parsed)} --help')")
                : parsed.Invoke(
                    new InvocationConfiguration
                    {
                        Output = terminal.Out,
                        Error = terminal.Error,
                        EnableDefaultExceptionHandler = false,
                    }
                );
            terminal.Out.Flush();
            return code;
        }
        catch (Exception problem)
        {
            return Report(problem, terminal, parsed.GetValue(globals.Verbose), OptionWords.In(parsed.CommandResult.Command));
        }
    }

    public static RootCommand Root(GlobalOptions globals, Session session, IEnumerable<GemmaScopeCommand> commands)
    {
        var root = new RootCommand("See inside Gemma models: which features of a dictionary fire on which token.");
        foreach (var command in commands)
        {
            foreach (var part in command.Subcommands.OfType<GemmaScopeCommand>().Append(command))
                Attach(part);
            root.Add(command);
        }
        globals.AddTo(root);

        var help = root.Options.OfType<HelpOption>().Single();
        var examples = new HelpWithExamples((HelpAction)help.Action!);
        help.Action = examples;
        root.SetAction(examples.Invoke);
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        return root;

        void Attach(GemmaScopeCommand command) =>
            command.SetAction(parsed =>
            {
                CheckFolder();
                globals.Apply(parsed);
                return command.Run(parsed, session.Of(command));
            });
    }

    /// <summary>A folder that was removed while somebody was in it makes every relative name, and some that are none, an odd error.</summary>
    private static void CheckFolder()
    {
        try
        {
            _ = Directory.GetCurrentDirectory();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException("the folder that the command was started in is gone; change to one that exists", null, problem);
        }
    }

    /// <summary>All commands in the groups in which help shows them.</summary>
    public static IReadOnlyList<(string Title, GemmaScopeCommand[] Commands)> Groups() =>
        [
            (
                "Look",
                [
                    new DemoCommand(),
                    new AnalyzeCommand(),
                    new CircuitCommand(),
                    new HeadlinesCommand(),
                    new FeaturesCommand(),
                    new ServeCommand(),
                ]
            ),
            ("Talk and change", [new GenerateCommand(), new ChatCommand(), new SteerCommand(), new VerbaliseCommand()]),
            (
                "Measure",
                [
                    new EvalCommand(),
                    new ProbeCommand(),
                    new AbsorptionCommand(),
                    new DetectCommand(),
                    new RavelCommand(),
                    new StudyCommand(),
                    new LensCommand(),
                ]
            ),
            ("Train", [new HarvestCommand(), new StoreCommand(), new TrainCommand(), new SweepCommand(), new SynthCommand()]),
            ("Guard", [new ShieldCommand()]),
            (
                "Files",
                [
                    new DictionariesCommand(),
                    new ConvertCommand(),
                    new InspectCommand(),
                    new InfoCommand(),
                    new SitesCommand(),
                    new TokenizeCommand(),
                    new VerifyCommand(),
                    new BenchCommand(),
                    new CompletionCommand(),
                ]
            ),
        ];

    public static IEnumerable<GemmaScopeCommand> Commands() => Groups().SelectMany(group => group.Commands);

    /// <summary>Why a command line cannot be run, or null.</summary>
    private static string? ProblemOf(ParseResult parsed)
    {
        if (parsed.Action is ParseErrorAction)
            return MessageOf(parsed.Errors[0]).TrimEnd('.') + Nearest(parsed, parsed.UnmatchedTokens is [var first, ..] ? first : null);
        // The parser takes an option it does not know for an argument, so that a misspelt one would be analysed as a text.
        if (parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash))
            return null;
        var unknown = parsed
            .CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .FirstOrDefault(value =>
                value is ['-', '-' or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z'), ..] && !value.Any(char.IsWhiteSpace)
            );
        return unknown is null ? null : $"Unknown option '{unknown}'; write -- before a text that begins so{Nearest(parsed, unknown)}";
    }

    /// <summary>What was probably meant by a word that is not understood.</summary>
    private static string Nearest(ParseResult parsed, string? word)
    {
        if (word is null)
            return "";
        if (OtherWords.Find(word) is { } here)
            return $"; {here}";
        var command = parsed.CommandResult.Command;
        var known = word.StartsWith('-')
            ? command
                .Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options.Where(option => option.Recursive)))
                .Select(option => option.Name)
            : command.Subcommands.Select(sub => sub.Name);
        return Similar.To(word, known) is [var near, ..] ? $"; did you mean '{near}'?" : "";
    }

    // Of a value that is no number the parser says which .NET type it tried.
    private static string MessageOf(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Option: var option, Tokens: [var value] })
            return error.Message;
        var type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        return type == typeof(int) || error.Message.Contains("System.Int64", StringComparison.Ordinal)
                ? $"{option.Name}: '{value.Value}' is no whole number"
            : type == typeof(double) ? $"{option.Name}: '{value.Value}' is no number"
            : error.Message;
    }

    private static int Report(Exception problem, Terminal terminal, bool verbose, Func<Setting, string> words)
    {
        if (verbose && problem is not OperationCanceledException)
            terminal.Error.WriteLine(problem);
        return problem switch
        {
            StudyPausedException paused => Note(terminal, paused.Message, Interrupted),
            GemmaScopeException known => Fail(terminal, known.Describe(words)),
            OperationCanceledException => Note(terminal, "interrupted", Interrupted),
            // Output that cannot be written (a full disk, a closed stream); files are read and written by the library, which has its own
            // errors.
            IOException or UnauthorizedAccessException => Fail(terminal, $"the output cannot be written: {problem.Message}"),
            _ => Note(
                terminal,
                $"internal error: {problem.GetType().Name}: {OneLine(problem.Message)} (--verbose shows where; please report it)",
                Failure
            ),
        };
    }

    private static int Fail(Terminal terminal, string message) => Note(terminal, $"error: {OneLine(message)}", BadInput);

    private static int Note(Terminal terminal, string line, int code)
    {
        try
        {
            terminal.Out.Flush();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // What is left of the output cannot be written; the line below says so or says something worse.
        }
        terminal.Error.WriteLine(VisibleText.Line(line));
        terminal.Error.Flush();
        return code;
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static string PathOf(ParseResult parsed)
    {
        var path = "";
        for (var result = parsed.CommandResult; result.Command is not RootCommand; result = (CommandResult)result.Parent!)
            path = $" {result.Command.Name}{path}";
        return "gemmascope" + path;
    }
}

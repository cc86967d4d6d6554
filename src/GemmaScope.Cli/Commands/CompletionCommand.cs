using System.CommandLine;
using GemmaScope.Cli.Completion;

namespace GemmaScope.Cli.Commands;

/// <summary>Prints what makes a shell complete command lines; that calls it back with the line that is being typed.</summary>
internal sealed class CompletionCommand : GemmaScopeCommand
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = "gemmascope.bash",
        ["zsh"] = "gemmascope.zsh",
        ["fish"] = "gemmascope.fish",
        ["powershell"] = "gemmascope.ps1",
    };

    private readonly Argument<string> _shell;
    private readonly Option<string?> _line;

    public CompletionCommand()
        : base(
            "completion",
            "Make your shell complete commands, options and known values with the Tab key.",
            "gemmascope completion bash",
            "gemmascope completion zsh"
        )
    {
        _shell = Add(new Argument<string>("shell") { Description = $"Your shell: {string.Join(", ", Scripts.Keys)}." });
        _shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        _line = Add(
            new Option<string?>("--line")
            {
                Description = "Print what may stand at the end of this line; the scripts ask so.",
                Hidden = true,
            }
        );
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var data = session.Terminal.Data;
        if (arguments.GetValue(_line) is not { } line)
        {
            data.Write(Script(arguments.GetValue(_shell)!));
            return Application.Success;
        }
        var found = new LineCompleter((RootCommand)arguments.RootCommandResult.Command).Complete(line);
        foreach (var (word, help) in found.Words)
            data.Write(help is null ? $"{word}\n" : $"{word}\t{help}\n");
        if (found.Files)
            data.Write(":files\n");
        return Application.Success;
    }

    /// <summary>What a shell reads.</summary>
    internal static string Script(string shell)
    {
        using var stream = typeof(CompletionCommand).Assembly.GetManifestResourceStream(Scripts[shell])!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

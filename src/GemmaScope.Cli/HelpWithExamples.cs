using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;

namespace GemmaScope.Cli;

/// <summary>The usual help, and below it the command's examples; of the program itself the commands in groups.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is RootCommand root)
        {
            Overview(root, parseResult.InvocationConfiguration.Output);
            return Application.Success;
        }
        help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is GemmaScopeCommand { Examples.Count: > 0 } command)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
        }
        return Application.Success;
    }

    private static void Overview(RootCommand root, TextWriter output)
    {
        var width = root.Subcommands.Max(command => command.Name.Length) + 2;
        output.WriteLine(root.Description);
        output.WriteLine();
        output.WriteLine("Begin with: gemmascope demo, then gemmascope serve");
        foreach (var (title, commands) in Application.Groups())
        {
            // Commands of one's own may be others than those that help knows.
            var known = commands.Where(command => root.Subcommands.Any(one => one.Name == command.Name)).ToArray();
            if (known.Length == 0)
                continue;
            output.WriteLine();
            output.WriteLine($"{title}:");
            foreach (var command in known)
                output.WriteLine($"  {command.Name.PadRight(width)}{command.Description}");
        }
        output.WriteLine();
        output.WriteLine("Options of every command:");
        var options = root.Options.Where(option => !option.Hidden).ToArray();
        var wide = options.Max(option => Shown(option).Length) + 2;
        foreach (var option in options)
            output.WriteLine($"  {Shown(option).PadRight(wide)}{option.Description}");
        output.WriteLine();
        output.WriteLine("gemmascope COMMAND --help, or gemmascope help COMMAND, shows its options and examples.");
        output.WriteLine();
    }

    private static string Shown(Option option) => option.Name + (option.HelpName is { } value ? $" <{value}>" : "");
}

/// <summary>Prints the version, without the commit that the build appends.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    public static string Version { get; } =
        typeof(PrintVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(Version);
        return Application.Success;
    }
}

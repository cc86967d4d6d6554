using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>Says what is being done while nothing else is to be seen; only on a terminal.</summary>
internal static class Waiting
{
    public static T For<T>(Terminal terminal, string what, Func<T> work) =>
        terminal.ErrorIsTerminal ? terminal.ErrorConsole.Status().Start(Markup.Escape(what), _ => work()) : work();
}

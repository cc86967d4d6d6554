using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>Names with values, one a line.</summary>
internal static class Properties
{
    public static void Write(Terminal terminal, params (string Name, string Value)[] properties)
    {
        var width = properties.Max(property => property.Name.Length);
        foreach (var (name, value) in properties)
        {
            if (terminal.OutputIsTerminal)
                terminal.Console.Write(new Paragraph(name.PadRight(width + 2), new Style(Color.SteelBlue1)));
            else
                terminal.Out.Write(name.PadRight(width + 2));
            terminal.Out.WriteLine($"{value}");
        }
    }
}

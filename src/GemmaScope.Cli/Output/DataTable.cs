using GemmaScope.Text;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>A column of a <see cref="DataTable"/>.</summary>
internal readonly record struct Column(string Name, bool Right = false)
{
    public static implicit operator Column(string name) => new(name);
}

/// <summary>Rows of text: a ruled table on a terminal, aligned plain lines in a pipe.</summary>
internal sealed class DataTable(params Column[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(VisibleText.Line)]);

    public void Write(Terminal terminal)
    {
        if (terminal.OutputIsTerminal)
            WriteRich(terminal.Console);
        else
            WritePlain(terminal.Out);
    }

    private void WriteRich(IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var column in columns)
        {
            var rich = new TableColumn(new Paragraph(column.Name, new Style(decoration: Decoration.Bold)));
            if (column.Right)
                rich.RightAligned();
            table.AddColumn(rich);
        }
        foreach (var row in _rows)
            table.AddRow(row.Select(cell => new Paragraph(cell)));
        console.Write(table);
    }

    private void WritePlain(TextWriter writer)
    {
        var widths = columns.Select((column, i) => _rows.Select(row => row[i].Length).Append(column.Name.Length).Max()).ToArray();
        WriteLine(writer, [.. columns.Select(column => column.Name)], widths);
        foreach (var row in _rows)
            WriteLine(writer, row, widths);
    }

    private void WriteLine(TextWriter writer, string[] cells, int[] widths)
    {
        var line = string.Join("  ", cells.Select((cell, i) => columns[i].Right ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])));
        writer.WriteLine(line.TrimEnd());
    }
}

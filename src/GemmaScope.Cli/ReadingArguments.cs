using System.CommandLine;
using GemmaScope.Text;

namespace GemmaScope.Cli;

/// <summary>The options that say how a corpus is read, the same in every command that reads one.</summary>
internal sealed class ReadingArguments
{
    public const string ColumnName = "--text-column",
        ColumnHelp = "The column or field with the documents: texts, token ids, or messages. Default: text.",
        SkipName = "--skip-bad-rows",
        SkipHelp = "Leave out and count rows that cannot be read: no text, no JSON, not UTF-8. Else the first is an error.",
        SeparateName = "--separate-documents",
        SeparateHelp = "Begin a window with each document. Else documents follow each other in full windows.",
        LongestName = "--longest-line",
        LongestHelp = "Refuse rows of more bytes. Default: 64 MiB.";

    private readonly Option<string?> _column = new(ColumnName) { Description = ColumnHelp, HelpName = "NAME" };
    private readonly Option<bool> _skip = new(SkipName) { Description = SkipHelp };
    private readonly Option<bool> _separate = new(SeparateName) { Description = SeparateHelp };
    private readonly Option<long?> _longest = Longest();

    public ReadingArguments(Command command)
    {
        foreach (var option in (Option[])[_column, _skip, _separate, _longest])
            command.Options.Add(option);
    }

    /// <summary>The limit of a row's length.</summary>
    public static Option<long?> Longest() =>
        new(LongestName)
        {
            Description = LongestHelp,
            HelpName = "SIZE",
            CustomParser = Quantity.Bytes,
        };

    /// <summary>The limit that was chosen, or the default.</summary>
    public static int LongestOf(long? bytes) =>
        bytes is > int.MaxValue / 2
            ? throw new ArgumentProblemException("must be 1 GiB at most", LongestName)
            : (int)(bytes ?? new TextReading().LongestLine);

    /// <summary>What they choose.</summary>
    public TextReading Read(ParseResult arguments) =>
        new()
        {
            TextColumn = arguments.GetValue(_column),
            SkipBadRows = arguments.GetValue(_skip),
            SeparateDocuments = arguments.GetValue(_separate),
            LongestLine = LongestOf(arguments.GetValue(_longest)),
        };
}

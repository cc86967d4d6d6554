using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>Pages that are written to files.</summary>
internal static class PageFile
{
    /// <summary>Writes a page, over an older one, and says so.</summary>
    public static void WritePage(this Terminal terminal, string file, Markup page)
    {
        page.Save(file);
        terminal.Error.WriteLine($"wrote {file}");
    }
}

using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that say where a dictionary is read: every command that reads one has them.</summary>
internal sealed class SiteArguments
{
    private readonly Option<int?> _layer = new("--layer", "-l") { HelpName = "N" };
    private readonly Option<string?> _site = new Option<string?>("--site") { HelpName = "SITE" }.Offering(KnownWords.Sites);

    /// <param name="command">Gets the options.</param>
    /// <param name="many">Whether it may read all dictionaries of a folder.</param>
    public SiteArguments(Command command, bool many = false)
    {
        _layer.Description =
            "The layer the dictionary reads, where its path does not say it or several are there."
            + (many ? " Of a folder those of this layer are used." : "");
        _site.Description =
            "The site it reads, e.g. resid_post or resid_post.20, in any of the three dialects."
            + (many ? " Of a folder those of this site are used." : "");
        command.Options.Add(_layer);
        command.Options.Add(_site);
    }

    /// <summary>What they say.</summary>
    public SiteChoice Read(ParseResult arguments) => new(arguments.GetValue(_layer), arguments.GetValue(_site));
}

using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Gets a dictionary into the hub's cache.</summary>
internal sealed class DownloadDictionaryCommand : GemmaScopeCommand
{
    private readonly Argument<string> _name;
    private readonly Option<bool> _json;

    public DownloadDictionaryCommand()
        : base(
            "download",
            "Download a dictionary into the hub's cache, or find it there, and print its folder.",
            "gemmascope dictionaries download gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
            "gemmascope dictionaries download google/gemma-scope-2-1b-pt/resid_post/layer_13_width_16k_l0_medium"
        )
    {
        _name = Add(
            new Argument<string>("name")
            {
                Description = "A name in the catalogue, or a reference on the hub.",
                HelpName = "name",
            }.Offering(KnownWords.Dictionaries)
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var name = arguments.GetValue(_name)!;
        var path = session.Find(Locator.DictionaryAsync, name);
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(new DownloadedDictionary(name, path)));
        else
            session.Terminal.Text.WriteLine(path);
        return Application.Success;
    }
}

using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says what the catalogue knows of one dictionary.</summary>
internal sealed class ShowDictionaryCommand : GemmaScopeCommand
{
    private readonly Argument<string> _name;
    private readonly Option<bool> _json;

    public ShowDictionaryCommand()
        : base(
            "show",
            "Show what the catalogue knows of a dictionary; nothing is downloaded.",
            "gemmascope dictionaries show gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
            "gemmascope dictionaries show gemma-2-2b/20-gemmascope-res-16k --json"
        )
    {
        _name = Add(
            new Argument<string>("name")
            {
                Description = "A name in the catalogue, a reference on the hub, or a name on Neuronpedia.",
                HelpName = "name",
            }.Offering(KnownWords.Dictionaries)
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (name, catalogue) = (arguments.GetValue(_name)!, DictionaryCatalogue.Load());
        if (!catalogue.TryFind(catalogue.Reference(name), out var entry))
            throw new ArgumentProblemException("is in no release of the catalogue; gemmascope dictionaries list shows all", name);
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(CatalogueLine.Of(entry)));
        else
            CatalogueOutput.Write(session.Terminal, entry);
        return Application.Success;
    }
}

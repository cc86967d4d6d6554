using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Lists the catalogue, or a part of it.</summary>
internal sealed class ListDictionariesCommand : GemmaScopeCommand
{
    private readonly Option<string?> _model,
        _site,
        _width,
        _l0;
    private readonly Option<int?> _layer;
    private readonly Option<DictionaryKind?> _kind;
    private readonly Option<bool> _canonical,
        _json;

    public ListDictionariesCommand()
        : base(
            "list",
            "List released dictionaries.",
            "gemmascope dictionaries list --model gemma-2-2b --site resid_post --layer 20",
            "gemmascope dictionaries list --model gemma-3-1b --kind SkipTranscoder --canonical",
            "gemmascope dictionaries list --json"
        )
    {
        _model = Add(
            new Option<string?>("--model", "-m")
            {
                Description = "Of this model, or of those whose name contains this.",
                HelpName = "MODEL",
            }.Offering(KnownWords.CatalogueModels)
        );
        _site = Add(
            new Option<string?>("--site")
            {
                Description = "That read or write this site, e.g. resid_post, z, mlp_out.",
                HelpName = "SITE",
            }.Offering(KnownWords.Sites)
        );
        _layer = Add(new Option<int?>("--layer", "-l") { Description = "That read this layer.", HelpName = "N" });
        _width = Add(new Option<string?>("--width") { Description = "Of this width, e.g. 16k.", HelpName = "WIDTH" });
        _l0 = Add(
            new Option<string?>("--l0") { Description = "Of this L0, a number or small, medium or big.", HelpName = "L0" }.Offering(() =>
                ["small", "medium", "big"]
            )
        );
        _kind = Add(new Option<DictionaryKind?>("--kind") { Description = "Of this kind.", HelpName = "KIND" });
        _canonical = Add(new Option<bool>("--canonical") { Description = "Only the one to take for each site, layer and width." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var filter = new DictionaryFilter
        {
            Model = arguments.GetValue(_model),
            Site = arguments.GetValue(_site),
            Layer = arguments.GetValue(_layer),
            Width = arguments.GetValue(_width),
            L0 = arguments.GetValue(_l0),
            Kind = arguments.GetValue(_kind),
            Canonical = arguments.GetValue(_canonical),
        };
        var entries = DictionaryCatalogue.Load().Find(filter).ToArray();
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(CatalogueList.Of(entries)));
        else
        {
            CatalogueOutput.Write(session.Terminal, entries);
            session.Terminal.Error.WriteLine($"{entries.Length} dictionaries");
        }
        return Application.Success;
    }
}

using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Lists the sites of a model under the names of the three ecosystems.</summary>
internal sealed class SitesCommand : GemmaScopeCommand
{
    private readonly Argument<string> _model;
    private readonly Option<int> _layer;
    private readonly Option<bool> _all,
        _json;

    public SitesCommand()
        : base(
            "sites",
            "List the sites of a model that can be read and edited, by our name, TransformerLens's and Hugging Face's.",
            "gemmascope sites",
            "gemmascope sites google/gemma-3-1b-pt --layer 5",
            "gemmascope sites --all --json"
        )
    {
        _model = Add(
            new Argument<string>("model")
            {
                Description = "A model: a folder, a GGUF file, demo-pt, or org/name[@revision] on the hub.",
                HelpName = "model",
                DefaultValueFactory = _ => MicroscopeOptions.DemoModel,
            }.Offering(KnownWords.Models)
        );
        _layer = Add(new Option<int>("--layer") { Description = "The layer whose sites are listed.", HelpName = "N" });
        _all = Add(new Option<bool>("--all") { Description = "List the sites of every layer." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var config = GemmaConfig.Load(session.Find(Locator.ConfigAsync, arguments.GetValue(_model)!));
        var list = arguments.GetValue(_all) ? SiteList.Of(config) : SiteList.Of(config, arguments.GetValue(_layer));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(list));
        else
            Print(session.Terminal, list);
        return Application.Success;
    }

    private static void Print(Terminal terminal, SiteList list)
    {
        var table = new DataTable("site", "TransformerLens", "Hugging Face", new("width", true));
        foreach (var site in list.Sites)
            table.Add(site.Site, site.TransformerLens ?? "-", site.HuggingFace ?? "-", site.Width is { } width ? $"{width}" : "keys");
        table.Write(terminal);
    }
}

using System.CommandLine;
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
                Description = "A model: a folder, demo-pt, or org/name[@revision] on the hub.",
                DefaultValueFactory = _ => MicroscopeOptions.DemoModel,
            }
        );
        _layer = Add(new Option<int>("--layer") { Description = "The layer whose sites are listed.", HelpName = "N" });
        _all = Add(new Option<bool>("--all") { Description = "List the sites of every layer." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var config = GemmaConfig.Load(session.Find(Locator.ConfigAsync, arguments.GetValue(_model)!));
        var layer = arguments.GetValue(_layer);
        if (layer < 0 || layer >= config.Layers)
            throw new ArgumentProblemException($"the model has no layer {layer}; its layers are 0 to {config.Layers - 1}", "--layer");
        var sites = config.Sites().Where(site => arguments.GetValue(_all) || site.Layer is null || site.Layer == layer).ToArray();
        if (arguments.GetValue(_json))
            Json.Write(
                session.Terminal,
                json =>
                    json.Objects(
                        "sites",
                        sites,
                        site =>
                        {
                            json.WriteString("site", site.ToString());
                            json.WriteString("transformer_lens", site.TransformerLensName);
                            json.WriteString("hugging_face", site.HuggingFaceName);
                            json.Number("width", Width(config, site));
                        }
                    )
            );
        else
            Print(session.Terminal, config, sites);
        return Application.Success;
    }

    private static void Print(Terminal terminal, GemmaConfig config, Site[] sites)
    {
        var table = new DataTable("site", "TransformerLens", "Hugging Face", new("width", true));
        foreach (var site in sites)
            table.Add(
                site.ToString(),
                site.TransformerLensName ?? "-",
                site.HuggingFaceName ?? "-",
                Width(config, site) is { } width ? $"{width}" : "keys"
            );
        table.Write(terminal);
    }

    /// <summary>Numbers per token; none for attention matrices, whose width is the number of keys.</summary>
    private static int? Width(GemmaConfig config, Site site) => Site.IsAttentionMatrix(site.Kind) ? null : config.SiteWidth(site.Kind);
}

using System.CommandLine;
using System.Globalization;
using GemmaScope.Cli.Output;
using GemmaScope.Store;

namespace GemmaScope.Cli.Commands;

/// <summary>Finds features by words.</summary>
internal sealed class SearchFeaturesCommand : GemmaScopeCommand
{
    private readonly Argument<string> _words;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<int> _limit;
    private readonly Option<bool> _json;

    public SearchFeaturesCommand()
        : base(
            "search",
            "Find features whose labels, promoted words or strongest tokens begin with words.",
            "gemmascope features search capital --db features.db",
            "gemmascope features search \"time travel\" --limit 5 --json --db features.db"
        )
    {
        _words = Add(new Argument<string>("words") { Description = "Words, or how they begin." });
        _limit = Add(
            new Option<int>("--limit")
            {
                Description = "Features at most.",
                HelpName = "N",
                DefaultValueFactory = _ => 20,
            }
        );
        Options.Add(_database);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var hits = database.Search(arguments.GetValue(_words)!, arguments.GetValue(_limit));
        if (arguments.GetValue(_json))
        {
            Json.Write(
                session.Terminal,
                json =>
                    json.Objects(
                        "features",
                        hits,
                        hit =>
                        {
                            json.WriteString("model", hit.Model);
                            json.WriteString("dictionary", hit.Dictionary);
                            json.WriteNumber("feature", hit.Row.Feature);
                            json.WriteString("label", hit.Row.Label);
                            json.Number("density", (double?)hit.Row.Density);
                            json.Number("max", (double?)hit.Row.Max);
                        }
                    )
            );
            return Application.Success;
        }
        var table = new DataTable("dictionary", new("feature", true), new("density", true), new("max", true), "label");
        foreach (var hit in hits)
            table.Add(
                $"{hit.Model}/{hit.Dictionary}",
                $"{hit.Row.Feature}",
                hit.Row.Density.ToString("0.000 %", CultureInfo.InvariantCulture),
                hit.Row.Max.ToString("0.00", CultureInfo.InvariantCulture),
                Format.Visible(hit.Row.Label ?? "")
            );
        table.Write(session.Terminal);
        return Application.Success;
    }
}

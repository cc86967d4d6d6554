using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Store;
using GemmaScope.Workbench;

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
        _limit = Add(CommonOptions.Number("--limit", "N", "Features at most.", 20));
        Options.Add(_database);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var result = SearchFeaturesResult.Search(database, arguments.GetValue(_words)!, arguments.GetValue(_limit));
        if (arguments.GetValue(_json))
        {
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
            return Application.Success;
        }
        var table = new DataTable("dictionary", new("feature", true), new("density", true), new("max", true), "label");
        foreach (var one in result.Features)
            table.Add(
                $"{one.Model}/{one.Dictionary}",
                $"{one.Feature}",
                FeatureText.Share(one.Density),
                FeatureText.Number(one.Max),
                one.Label ?? ""
            );
        table.Write(session.Terminal);
        return Application.Success;
    }
}

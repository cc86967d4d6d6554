using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Shows the dashboard of a feature.</summary>
internal sealed class ShowFeatureCommand : GemmaScopeCommand
{
    private readonly Argument<string> _dictionary = FeatureStore.Dictionary();
    private readonly Argument<int> _feature;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<int> _examples;
    private readonly Option<bool> _json;

    public ShowFeatureCommand()
        : base(
            "show",
            "Show the dashboard of a feature.",
            "gemmascope features show resid_post-layer_3-width_2k-average_l0_35 756 --db features.db",
            "gemmascope features show 20-gemmascope-res-16k 10004 --db gemma.db --json"
        )
    {
        Arguments.Add(_dictionary);
        _feature = Add(new Argument<int>("feature") { Description = "Index of the feature." });
        Options.Add(_database);
        _examples = Add(CommonOptions.Number("--examples", "N", "Examples of each group.", 5));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var result = FeatureResult.Read(database, arguments.GetValue(_dictionary)!, arguments.GetValue(_feature));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            FeatureText.Write(session.Terminal, result, arguments.GetValue(_examples));
        return Application.Success;
    }
}

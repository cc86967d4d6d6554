using System.CommandLine;
using System.Text.Json.Nodes;
using GemmaScope.Cli.Output;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;

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
        _examples = Add(
            new Option<int>("--examples")
            {
                Description = "Examples of each group.",
                HelpName = "N",
                DefaultValueFactory = _ => 5,
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        var dictionary = FeatureStore.Find(database, arguments.GetValue(_dictionary)!);
        var feature = arguments.GetValue(_feature);
        var page =
            database.Page(dictionary, feature)
            ?? throw new ArgumentProblemException(
                $"has no feature {feature} (it has 0 to {dictionary.Width - 1}, stored are {dictionary.Features})",
                dictionary.Name
            );
        var source = database.Source(dictionary);
        if (arguments.GetValue(_json))
            session.Terminal.Out.WriteLine(AsJson(dictionary, page, source).ToJsonString(Json.Indented));
        else
            FeatureText.Write(session.Terminal, dictionary, page, source, arguments.GetValue(_examples));
        return Application.Success;
    }

    private static JsonObject AsJson(StoredDictionary dictionary, FeaturePage page, DashboardSource source)
    {
        var one = page.Feature.Dashboard;
        var tokens = one
            .Examples.SelectMany(example => example.Tokens)
            .Concat(
                (one.Logits?.Top ?? [])
                    .Concat(one.Logits?.Bottom ?? [])
                    .Concat(one.GainedLogits?.Top ?? [])
                    .Concat(one.GainedLogits?.Bottom ?? [])
                    .Select(score => score.Token)
            )
            .Append(one.MaxToken)
            .Where(token => token >= 0)
            .Distinct()
            .Order();
        return new JsonObject
        {
            ["model"] = dictionary.Model,
            ["dictionary"] = dictionary.Name,
            ["layer"] = source.Layer,
            ["hook"] = source.Hook,
            ["text"] = source.Text,
            ["counted_tokens"] = source.Corpus.Counted,
            ["tokens"] = source.Corpus.Positions,
            ["note"] = page.Note,
            ["feature"] = DashboardLines.ToJson(page.Feature),
            ["pieces"] = new JsonObject(tokens.Select(token => KeyValuePair.Create($"{token}", (JsonNode?)source.Piece(token)))),
        };
    }
}

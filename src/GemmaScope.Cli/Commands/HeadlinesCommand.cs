using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>What headlines are about: their features, weighted against density, and topics that come from data.</summary>
internal sealed class HeadlinesCommand : GemmaScopeCommand
{
    private const string Article = "article";

    private static readonly HeadlinesJobOptions Defaults = new() { Headlines = [] };

    private readonly Argument<string> _file;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _labelled,
        _heldOut,
        _topicColumn,
        _labels,
        _categories,
        _csv,
        _html;
    private readonly Option<int> _top,
        _perTopic;
    private readonly Option<double> _minimum;
    private readonly Option<Uri> _server;
    private readonly Option<bool> _skip,
        _json;

    public HeadlinesCommand()
        : base(
            "headlines",
            "Find the features and the topic of each headline of a file.",
            "gemmascope headlines headlines.txt",
            "gemmascope headlines headlines.txt --labelled news.jsonl --html headlines.html",
            "gemmascope headlines headlines.csv --labels labels.jsonl --csv topics.csv",
            "gemmascope headlines headlines.txt --categories article"
        )
    {
        _file = Add(
            new Argument<string>("file")
            {
                Description = "The headlines: one a line, or .jsonl, .csv, .tsv with a column headline, text or title.",
            }
        );
        _microscope = new MicroscopeArguments(this);
        _labelled = Add(
            new Option<string?>("--labelled")
            {
                Description = "Learn topics from this file of labelled headlines (topic, label or category; story or group).",
                HelpName = "FILE",
            }
        );
        _heldOut = Add(
            new Option<string?>("--held-out")
            {
                Description = "Measure them on this file instead of a fifth of the groups.",
                HelpName = "FILE",
            }
        );
        _topicColumn = Add(
            new Option<string?>("--topic-column")
            {
                Description = "The name of the topic's column, where it is another.",
                HelpName = "NAME",
            }
        );
        _perTopic = Add(
            new Option<int>("--features-per-topic", "-k")
            {
                Description = "Features learned for each topic.",
                HelpName = "K",
                DefaultValueFactory = _ => Defaults.FeaturesPerTopic,
            }
        );
        _minimum = Add(
            new Option<double>("--min-probability")
            {
                Description = "A topic that is less likely is not named.",
                HelpName = "P",
                DefaultValueFactory = _ => Defaults.MinProbability,
            }
        );
        _labels = Add(
            new Option<string?>("--labels")
            {
                Description = "Labels of the features; without --labelled topics are made of them.",
                HelpName = "FILE",
            }
        );
        _categories = Add(
            new Option<string?>("--categories")
            {
                Description = "article: feature // 1000, a demonstration without meaning.",
                HelpName = "RULE",
            }.AcceptOnlyFromAmong(Article)
        );
        _skip = Add(new Option<bool>(ReadingArguments.SkipName) { Description = ReadingArguments.SkipHelp });
        _top = Add(CommonOptions.Number("--top", "N", "Strongest features of each headline.", Defaults.Top));
        _csv = Add(CommonOptions.OutputFile("--csv", "Write a table with one row a headline."));
        _html = Add(CommonOptions.OutputFile("--html", "Write the report as one self-contained page."));
        _server = Add(CommonOptions.Server());
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var skipped = arguments.GetValue(_skip) ? new SkippedRows() : null;
        var options = new HeadlinesJobOptions
        {
            Headlines = Load(arguments.GetValue(_file), arguments, skipped)!,
            Labelled = Load(arguments.GetValue(_labelled), arguments, skipped),
            HeldOut = Load(arguments.GetValue(_heldOut), arguments, skipped),
            Skipped = skipped,
            FeaturesPerTopic = arguments.GetValue(_perTopic),
            MinProbability = arguments.GetValue(_minimum),
            Labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null,
            Categories = arguments.GetValue(_categories) is null ? null : new ArticleTopics(),
            Top = arguments.GetValue(_top),
            Server = arguments.GetValue(_server)!,
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => HeadlinesJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            HeadlinesText.Write(session.Terminal, result);
        if (arguments.GetValue(_csv) is { } table)
        {
            HeadlinesCsv.Save(result, table);
            session.Terminal.Error.WriteLine($"wrote {table}");
        }
        if (arguments.GetValue(_html) is { } page)
        {
            HeadlinesPage.Render(result).Save(page);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }

    private IReadOnlyList<Headline>? Load(string? file, ParseResult arguments, SkippedRows? skipped) =>
        file is null ? null : Headline.Load(file, arguments.GetValue(_topicColumn), skipped);
}

using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>What headlines are about: their features, weighted against density, and topics that come from data.</summary>
internal sealed class HeadlinesCommand : GemmaScopeCommand
{
    private const string Article = "article";

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
    private readonly Option<bool> _json;

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
            }
        );
        _top = Add(
            new Option<int>("--top")
            {
                Description = "Strongest features of each headline.",
                HelpName = "N",
                DefaultValueFactory = _ => 5,
            }
        );
        _csv = Add(CommonOptions.OutputFile("--csv", "Write a table with one row a headline."));
        _html = Add(CommonOptions.OutputFile("--html", "Write the report as one self-contained page."));
        _server = Add(CommonOptions.Server());
        _json = Add(CommonOptions.Json());
    }

    private static IReadOnlyList<HeadlineReading> Read(Microscope microscope, IReadOnlyList<Headline> headlines, Session session) =>
        HeadlineReading.Read(microscope.Model, microscope.Dictionary, headlines, cancellationToken: session.Cancellation);

    private static LearnedTopicsOptions Defaults { get; } = new();

    public override int Run(ParseResult arguments, Session session)
    {
        Check(arguments);
        var headlines = Headline.Load(arguments.GetValue(_file)!, arguments.GetValue(_topicColumn));
        var labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null;
        var (labelledRows, heldOutRows) = (Load(arguments, _labelled), Load(arguments, _heldOut));
        using var microscope = _microscope.Open(arguments, session);
        var readings = Read(microscope, headlines, session);
        var labelled = labelledRows is null ? null : Read(microscope, labelledRows, session);
        var heldOut = heldOutRows is null ? null : Read(microscope, heldOutRows, session);
        var density = new FeatureDensity(labelled is null ? readings : labelled.Concat(readings));
        TopicRule topics =
            arguments.GetValue(_categories) is not null ? new ArticleTopics()
            : labelled is not null
                ? Waiting.For(
                    session.Terminal,
                    "learning topics",
                    () =>
                        LearnedTopics.Fit(
                            labelled,
                            heldOut,
                            microscope.Model.Tokenizer.VocabularySize,
                            Settings(arguments),
                            session.Cancellation
                        )
                )
            : labels is not null ? new LabelTopics(labels)
            : new NoTopics();

        var view = new HeadlinesView(
            microscope,
            topics,
            HeadlineAnalyzer.Analyze(readings, density, topics, arguments.GetValue(_top)),
            density.Tokens,
            labels,
            arguments.GetValue(_server)!
        );
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => HeadlinesJson.Write(json, view));
        else
            HeadlinesText.Write(session.Terminal, view);
        WriteFile(arguments.GetValue(_csv), () => HeadlinesCsv.Render(view), session.Terminal);
        WriteFile(arguments.GetValue(_html), () => HeadlinesPage.Render(view), session.Terminal);
        return Application.Success;
    }

    private void Check(ParseResult arguments)
    {
        if (arguments.GetValue(_categories) is { } rule && rule != Article)
            throw new ArgumentProblemException($"'{rule}' is no rule; there is '{Article}'", "--categories");
        if (arguments.GetValue(_categories) is not null && arguments.GetValue(_labelled) is not null)
            throw new ArgumentProblemException("cannot be combined with --labelled; topics come from one of them", "--categories");
        if (arguments.GetValue(_heldOut) is not null && arguments.GetValue(_labelled) is null)
            throw new ArgumentProblemException("needs --labelled, the file to learn from", "--held-out");
        if (arguments.GetValue(_top) < 1)
            throw new ArgumentProblemException("must be at least 1", "--top");
        if (arguments.GetValue(_perTopic) < 1)
            throw new ArgumentProblemException("must be at least 1", "--features-per-topic");
        if (arguments.GetValue(_minimum) is not (>= 0 and <= 1))
            throw new ArgumentProblemException("must lie between 0 and 1", "--min-probability");
    }

    private IReadOnlyList<Headline>? Load(ParseResult arguments, Option<string?> option)
    {
        if (arguments.GetValue(option) is not { } file)
            return null;
        var rows = Headline.Load(file, arguments.GetValue(_topicColumn));
        return rows.Any(row => row.Topic is not null)
            ? rows
            : throw new FileFormatException("says the topic of no headline; name its column with --topic-column", file);
    }

    private LearnedTopicsOptions Settings(ParseResult arguments) =>
        new() { FeaturesPerTopic = arguments.GetValue(_perTopic), MinProbability = arguments.GetValue(_minimum) };

    private static void WriteFile(string? file, Func<string> render, Terminal terminal)
    {
        if (file is null)
            return;
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(render())), overwrite: true);
        terminal.Error.WriteLine($"wrote {file}");
    }
}

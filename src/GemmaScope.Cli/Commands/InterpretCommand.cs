using System.CommandLine;
using GemmaScope.Cli.Interpretation;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Explains features and scores the explanations on text that they were not made from.</summary>
internal sealed class InterpretCommand : GemmaScopeCommand
{
    private static readonly InterpretJobOptions Defaults = new() { Text = [] };

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<string?> _name,
        _features;
    private readonly Option<string[]> _text;
    private readonly ReadingArguments _reading;
    private readonly Option<long> _tokens;
    private readonly Option<int?> _most,
        _budget;
    private readonly Option<int> _examples,
        _window,
        _seed,
        _shown,
        _perQuestion,
        _parallel,
        _maxTokens;
    private readonly Option<double> _timeout;
    private readonly Option<bool> _unlabelled,
        _json;
    private readonly ChatModelOptions _explainer,
        _judge;

    public InterpretCommand()
        : base(
            "interpret",
            "Explain features by rules about tokens, or by a language model, and score the explanations on held-out text. "
                + "Interrupted, the same command goes on.",
            "gemmascope features interpret --text held-out.jsonl --db features.db",
            "gemmascope features interpret --text held-out.jsonl --features 1,5,10-20 --endpoint http://localhost:8080/v1 "
                + "--endpoint-model qwen3 --budget 2000",
            "gemmascope features interpret --text held-out.jsonl --most 100 --judge-endpoint http://localhost:8080/v1 "
                + "--judge-endpoint-model qwen3"
        )
    {
        _microscope = new MicroscopeArguments(this);
        _text = Add(CommonOptions.Text("Text that did not build the dashboards. ", DemoFiles.HeldOutTexts));
        _reading = new ReadingArguments(this);
        _tokens = Add(
            new Option<long>("--tokens")
            {
                Description = "Read this many tokens of it.",
                HelpName = "N",
                DefaultValueFactory = _ => Defaults.Tokens,
            }
        );
        _features = Add(
            new Option<string?>("--features") { Description = "Explain these, e.g. 1,5,10-20. Default: all that fire.", HelpName = "LIST" }
        );
        _most = Add(new Option<int?>("--most") { Description = "Explain the N that fire most often.", HelpName = "N" });
        _unlabelled = Add(new Option<bool>("--unlabelled") { Description = "Explain those that nobody else has labelled." });
        _explainer = new ChatModelOptions(this, null, "Explain and judge by", "GEMMASCOPE_ENDPOINT_TOKEN");
        _judge = new ChatModelOptions(this, "Judge", "Judge by", "GEMMASCOPE_JUDGE_TOKEN");
        _budget = Add(new Option<int?>("--budget") { Description = "Send this many requests to language models at most.", HelpName = "N" });
        _parallel = Add(CommonOptions.Number("--parallel", "N", "Requests at a time.", Defaults.Parallel));
        _timeout = Add(
            new Option<double>("--timeout")
            {
                Description = "Seconds to wait for an answer.",
                HelpName = "S",
                DefaultValueFactory = _ => 120,
            }
        );
        _maxTokens = Add(CommonOptions.Number("--max-tokens", "N", "Tokens of an answer at most.", Defaults.MaxTokens));
        _shown = Add(CommonOptions.Number("--shown", "N", "Examples shown to the model that explains.", Defaults.Shown));
        _perQuestion = Add(CommonOptions.Number("--per-question", "N", "Passages that are judged in one request.", Defaults.PerQuestion));
        _examples = Add(
            CommonOptions.Number(
                "--examples",
                "N",
                "Passages in which the feature fires that score an explanation, and as many in which it does not.",
                Defaults.Examples
            )
        );
        _window = Add(CommonOptions.Number("--window", "N", "Tokens of a passage.", Defaults.Window));
        _seed = Add(new Option<int>("--seed") { Description = "Decides which passages are drawn.", HelpName = "N" });
        _name = Add(
            new Option<string?>("--dictionary")
            {
                Description = "Its name in the database, where it was imported under another.",
                HelpName = "NAME",
            }
        );
        Options.Add(_database);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        if (arguments.GetValue(_budget) < 1)
            throw new ArgumentProblemException("must be at least 1", _budget.Name);
        if (arguments.GetValue(_timeout) is not (> 0 and <= 86_400))
            throw new ArgumentProblemException("must be above 0, and a day at most", _timeout.Name);
        var options = Read(arguments);
        InterpretJob.Check(options);
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        using var microscope = _microscope.Open(arguments, session);
        var (budget, timeout) = (new RequestBudget(arguments.GetValue(_budget)), TimeSpan.FromSeconds(arguments.GetValue(_timeout)));
        using var explainer = _explainer.Open(arguments, session, budget, timeout, options.Seed);
        using var judge = _judge.Open(arguments, session, budget, timeout, options.Seed);
        options = options with { Explainer = explainer, Judge = judge, Budget = budget };
        var json = arguments.GetValue(_json);
        var result = session.Run(
            (progress, cancellationToken) => InterpretJob.RunAsync(microscope, database, options, progress, cancellationToken),
            report =>
            {
                if (!json && report is FeatureInterpreted made)
                    InterpretationOutput.WriteLine(session.Terminal.Out, made.Feature);
            }
        );
        if (json)
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            InterpretationOutput.Write(session.Terminal, result);
        return Application.Success;
    }

    private InterpretJobOptions Read(ParseResult arguments) =>
        new()
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Tokens = arguments.GetValue(_tokens),
            Window = arguments.GetValue(_window),
            Examples = arguments.GetValue(_examples),
            Seed = arguments.GetValue(_seed),
            Features = arguments.GetValue(_features) is { } list ? FeatureChoice.Parse(list) : null,
            Most = arguments.GetValue(_most),
            Unlabelled = arguments.GetValue(_unlabelled),
            Dictionary = arguments.GetValue(_name),
            Shown = arguments.GetValue(_shown),
            PerQuestion = arguments.GetValue(_perQuestion),
            Parallel = arguments.GetValue(_parallel),
            MaxTokens = arguments.GetValue(_maxTokens),
        };
}

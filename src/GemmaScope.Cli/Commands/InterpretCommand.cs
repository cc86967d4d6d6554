using System.CommandLine;
using GemmaScope.Cli.Interpretation;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Features.Interpretation;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Explains features and scores the explanations on text that they were not made from.</summary>
internal sealed class InterpretCommand : GemmaScopeCommand
{
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string> _database = FeatureStore.Option();
    private readonly Option<string?> _name,
        _features;
    private readonly Option<string[]> _text;
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
            "Explain features by rules about tokens, or by a language model, and score the explanations on held-out text. Interrupted, the same command goes on.",
            "gemmascope features interpret --text held-out.jsonl --db features.db",
            "gemmascope features interpret --text held-out.jsonl --features 1,5,10-20 --endpoint http://localhost:8080/v1 --endpoint-model qwen3 --budget 2000",
            "gemmascope features interpret --text held-out.jsonl --most 100 --judge-endpoint http://localhost:8080/v1 --judge-endpoint-model qwen3"
        )
    {
        _microscope = new MicroscopeArguments(this);
        _text = Add(
            new Option<string[]>("--text")
            {
                Description =
                    "Text that did not build the dashboards: text files, .jsonl files with a 'text' in each line, or folders of them.",
                HelpName = "PATH",
                Required = true,
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _tokens = Add(
            new Option<long>("--tokens")
            {
                Description = "Read this many tokens of it.",
                HelpName = "N",
                DefaultValueFactory = _ => 100_000,
            }
        );
        _features = Add(
            new Option<string?>("--features") { Description = "Explain these, e.g. 1,5,10-20. Default: all that fire.", HelpName = "LIST" }
        );
        _most = Add(new Option<int?>("--most") { Description = "Explain the N that fire most often.", HelpName = "N" });
        _unlabelled = Add(new Option<bool>("--unlabelled") { Description = "Explain those that nobody else has labelled." });
        _explainer = new ChatModelOptions(this, "", "Explain and judge by", "GEMMASCOPE_ENDPOINT_TOKEN");
        _judge = new ChatModelOptions(this, "judge-", "Judge by", "GEMMASCOPE_JUDGE_TOKEN");
        _budget = Add(new Option<int?>("--budget") { Description = "Send this many requests to language models at most.", HelpName = "N" });
        _parallel = Add(
            new Option<int>("--parallel")
            {
                Description = "Requests at a time.",
                HelpName = "N",
                DefaultValueFactory = _ => 4,
            }
        );
        _timeout = Add(
            new Option<double>("--timeout")
            {
                Description = "Seconds to wait for an answer.",
                HelpName = "S",
                DefaultValueFactory = _ => 120,
            }
        );
        _maxTokens = Add(
            new Option<int>("--max-tokens")
            {
                Description = "Tokens of an answer at most.",
                HelpName = "N",
                DefaultValueFactory = _ => 512,
            }
        );
        _shown = Add(
            new Option<int>("--shown")
            {
                Description = "Examples shown to the model that explains.",
                HelpName = "N",
                DefaultValueFactory = _ => 40,
            }
        );
        _perQuestion = Add(
            new Option<int>("--per-question")
            {
                Description = "Passages that are judged in one request.",
                HelpName = "N",
                DefaultValueFactory = _ => 5,
            }
        );
        _examples = Add(
            new Option<int>("--examples")
            {
                Description = "Passages in which the feature fires that score an explanation, and as many in which it does not.",
                HelpName = "N",
                DefaultValueFactory = _ => 50,
            }
        );
        _window = Add(
            new Option<int>("--window")
            {
                Description = "Tokens of a passage.",
                HelpName = "N",
                DefaultValueFactory = _ => 32,
            }
        );
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
        Check(arguments);
        using var database = FeatureDatabase.Open(arguments.GetValue(_database)!);
        using var microscope = _microscope.Open(arguments, session);
        var stored = FeatureStore.Find(
            database,
            arguments.GetValue(_name) ?? $"{FeatureLinks.ModelName(microscope.ModelName)}/{FeatureLinks.PageName(microscope.Dictionary)}"
        );
        if (stored.Width > microscope.Dictionary.Width)
            throw new ArgumentProblemException(
                $"has {stored.Width} features in the database and the dictionary {microscope.Dictionary.Width}; name its dictionary with --sae",
                stored.Name
            );
        var chosen = arguments.GetValue(_features) is { } list ? FeatureChoice.Parse(list, stored.Width) : null;
        var budget = new RequestBudget(arguments.GetValue(_budget));
        var (timeout, seed) = (TimeSpan.FromSeconds(arguments.GetValue(_timeout)), arguments.GetValue(_seed));
        var explainer = _explainer.Open(arguments, session, budget, timeout, seed);
        var judge = _judge.Open(arguments, session, budget, timeout, seed);
        using var ownedExplainer = explainer as IDisposable;
        using var ownedJudge = judge as IDisposable;
        var interpreter = new Interpreter(
            database,
            stored,
            microscope,
            explainer,
            judge ?? explainer,
            budget,
            Settings(arguments),
            session
        );
        var report = interpreter.Run(
            TextDocuments.Read(arguments.GetValue(_text)!),
            arguments.GetValue(_tokens),
            row => chosen?.Contains(row.Feature) ?? true,
            arguments.GetValue(_most),
            arguments.GetValue(_unlabelled),
            arguments.GetValue(_json) ? null : session.Terminal.Out
        );
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => InterpretationOutput.Write(json, report));
        else
            InterpretationOutput.Write(session.Terminal, report);
        return Application.Success;
    }

    private void Check(ParseResult arguments)
    {
        foreach (
            var (option, least) in (ReadOnlySpan<(Option<int>, int)>)
                [(_examples, QuestionSet.Fewest), (_parallel, 1), (_maxTokens, 1), (_shown, 1), (_perQuestion, 1)]
        )
            if (arguments.GetValue(option) < least)
                throw new ArgumentProblemException($"must be at least {least}", option.Name);
        foreach (var option in (Option<int?>[])[_most, _budget])
            if (arguments.GetValue(option) < 1)
                throw new ArgumentProblemException("must be at least 1", option.Name);
        if (arguments.GetValue(_timeout) is not (> 0 and <= 86_400))
            throw new ArgumentProblemException("must be above 0, and a day at most", "--timeout");
    }

    private InterpreterSettings Settings(ParseResult arguments) =>
        new(
            arguments.GetValue(_window),
            arguments.GetValue(_examples),
            arguments.GetValue(_seed),
            new ChatInterpreterOptions
            {
                Shown = arguments.GetValue(_shown),
                PerQuestion = arguments.GetValue(_perQuestion),
                Parallel = arguments.GetValue(_parallel),
                Window = arguments.GetValue(_window),
                MaxAnswerTokens = arguments.GetValue(_maxTokens),
            }
        );
}

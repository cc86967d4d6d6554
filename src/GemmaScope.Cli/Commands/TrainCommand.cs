using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Cli.Training;
using GemmaScope.Training;

namespace GemmaScope.Cli.Commands;

/// <summary>Trains a dictionary.</summary>
internal sealed class TrainCommand : GemmaScopeCommand
{
    private readonly Argument<string?> _file;
    private readonly TrainingOptions _options;
    private readonly Option<bool> _print,
        _restart,
        _json;

    public TrainCommand()
        : base(
            "train",
            "Train a dictionary on a store of activations, or on what a model computes for a text.",
            "gemmascope train --site resid_post.3 --text corpus.jsonl --width 2048 --tokens 2000000 --output runs/first",
            "gemmascope train --site mlp_in.3 --kind skip_transcoder --store activations --width 4096 --lambda 3e-4 --eval-text held-out.txt --model demo-pt --output runs/skip",
            "gemmascope train --site resid_post.3 --store activations --target-l0 30 --search --output runs/l0-30",
            "gemmascope train recipe.yaml --set recipe.learning_rate=1e-4 --output runs/faster",
            "gemmascope train --site resid_post.3 --text corpus.jsonl --output runs/first --print-config"
        )
    {
        _file = Add(
            new Argument<string?>("recipe")
            {
                Description = "A configuration in YAML; options win over it.",
                Arity = ArgumentArity.ZeroOrOne,
            }
        );
        _options = new TrainingOptions(this);
        _print = Add(
            new Option<bool>("--print-config") { Description = "Print the whole configuration, defaults included, and do nothing." }
        );
        _restart = Add(new Option<bool>("--restart") { Description = "Begin anew where a run in the output folder could be taken up." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var configuration = _options.Read(arguments, arguments.GetValue(_file));
        if (arguments.GetValue(_print))
        {
            session.Terminal.Out.Write(configuration.ToYaml());
            return Application.Success;
        }
        using var model = TrainingModel.Load(configuration, session);
        using var source = Waiting.For(
            session.Terminal,
            "opening the data",
            () => TrainingData.Open(configuration.Data, configuration.AllSites, model, session.Cancellation)
        );
        if (configuration.Search is { L0: not null, Lambda: null })
            configuration = Search(configuration, source, arguments.GetValue(_restart), session);
        using var run = TrainingRun.Open([configuration], source, configuration.Output, arguments.GetValue(_restart));
        TrainingDisplay.Run(run, session, configuration.Output);
        var trained = TrainingResult.Finish(run.Members, configuration.Output, source, model, session)[0];
        if (
            configuration.Search is { L0: { } wanted } search
            && trained.Scores.L0 is { } l0
            && Math.Abs(l0 / wanted - 1) > search.Tolerance
        )
            session.Terminal.Error.WriteLine(
                $"search: the training came to L0 {l0:0.0}, not {wanted}: its short runs had learned too little to tell; take more search.steps"
            );
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, trained.Write);
        else
            Print(trained, session.Terminal);
        return Application.Success;
    }

    private static TrainingConfiguration Search(
        TrainingConfiguration configuration,
        IActivationSource source,
        bool restart,
        Session session
    )
    {
        var (search, error) = (configuration.Search, session.Terminal.Error);
        var found = LambdaSearch.Find(
            configuration,
            source,
            run => TrainingDisplay.Run(run, session, run.Members[0].Configuration.Output),
            new Tried(error),
            restart
        );
        error.WriteLine(
            Math.Abs(found.L0 / search.L0!.Value - 1) <= search.Tolerance
                ? $"search: training with lambda {found.Lambda:g4}"
                : $"search: no lambda within {search.Tolerance:0%} of L0 {search.L0} in {search.Runs} runs (search.runs); training with the nearest, {found.Lambda:g4}"
        );
        source.Seek(0);
        return configuration with { Search = search with { Lambda = found.Lambda } };
    }

    private sealed class Tried(TextWriter error) : IProgress<SearchedLambda>
    {
        public void Report(SearchedLambda value) => error.WriteLine($"search: lambda {value.Lambda:g4} gives L0 {value.L0:0.0}");
    }

    private static void Print(TrainingResult trained, Terminal terminal)
    {
        var scores = trained.Scores;
        Properties.Write(
            terminal,
            [
                ("dictionary", Path.Combine(trained.Configuration.Output, trained.Path)),
                ("trained on", $"{trained.Tokens:#,0} activations in {trained.Steps:#,0} steps"),
                (
                    "measured on",
                    $"{scores.Tokens:#,0} tokens: {scores.MeasuredOn}{(scores.Tokens > 0 ? ModelCard.HeldOut(scores.HeldOut) : "")}"
                ),
                .. ModelCard.Scores(scores).Where(score => score.Value is not null).Select(score => (score.Name, score.Value!)),
                ("curves", Path.Combine(trained.Configuration.Output, TrainingResult.PageFile)),
            ]
        );
    }
}

using System.CommandLine;
using GemmaScope.Behaviour;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Cli.Commands;

/// <summary>Continues a text with and without features of a dictionary turned up, down or off.</summary>
internal sealed class SteerCommand : GemmaScopeCommand
{
    // The defaults of Neuronpedia (METHODS §7).
    private static readonly GenerationOptions Defaults = new()
    {
        MaxNewTokens = 256,
        Temperature = 0.5,
        FrequencyPenalty = 1,
        Seed = 16,
    };

    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly SteeringArguments _steering;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _chat,
        _noBos,
        _json;

    public SteerCommand()
        : base(
            "steer",
            "Continue a text with and without features turned up, down or off, side by side.",
            "gemmascope steer \"The people of\" --feature 681 --strength 30 --max-tokens 40",
            "gemmascope steer \"The people of\" --feature 681:30 --feature 1221:-20 --temperature 0",
            "gemmascope steer \"I think that\" --feature 681 --mode ablate --json",
            "gemmascope steer \"The people of\" --feature 681 --sweep -30,0,30,100 --max-tokens 40",
            "gemmascope steer \"Who are you?\" --model google/gemma-2-2b-it --sae gemma-scope-2b-pt-res-canonical/layer_12/width_16k --feature 10 --mode clamp --strength 40 --chat",
            "gemmascope steer \"What do you think?\" --model google/gemma-2-2b-it --chat --contrast pairs.jsonl --layer 13 --strength 2"
        )
    {
        _text = new TextInput(this, "text", "The text to continue; with --chat the message to answer.");
        _microscope = new MicroscopeArguments(this);
        _steering = new SteeringArguments(this);
        _sampling = new SamplingOptions(this, Defaults);
        _chat = Add(new Option<bool>("--chat") { Description = "The text is a message to a model that was tuned to chat." });
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        _steering.Check(arguments, _microscope.NamesDictionary(arguments));
        var options = _sampling.Read(arguments);
        var text = _text.Read(arguments, session);
        if (_steering.Contrast(arguments) is { } file)
        {
            var (pairs, site) = (ContrastPair.Load(file), _microscope.Read(arguments).VectorSite());
            using var model = session.LoadModel(_microscope.ModelName(arguments));
            var chat = Template(arguments, model);
            var vector = Watching.Watch(
                session,
                "pairs",
                pairs.Count,
                progress =>
                    ContrastVector.Of(
                        model,
                        [.. pairs.Select(pair => pair.Encode(model.Tokenizer, chat))],
                        site,
                        progress,
                        session.Cancellation
                    )
            );
            return Write(
                model,
                text,
                options,
                new SteerView { Contrast = (file, pairs.Count, vector), Site = site },
                (strengths, span) => [Edit.Add(site, vector, (float)strengths[0], span)],
                arguments,
                session
            );
        }
        using var microscope = _microscope.Open(arguments, session);
        var (dictionary, mode) = (microscope.Dictionary, _steering.Mode(arguments));
        var view = new SteerView
        {
            Dictionary = dictionary,
            Features = [.. _steering.Features(arguments, dictionary, []).Select(one => one.Feature)],
            Site = dictionary.OutputSite,
        };
        return Write(
            microscope.Model,
            text,
            options,
            view,
            (strengths, span) => Steering.Edits(mode, _steering.Features(arguments, dictionary, strengths), microscope.Model.Config, span),
            arguments,
            session
        );
    }

    private int Write(
        GemmaModel model,
        string text,
        GenerationOptions options,
        SteerView view,
        Func<double[], Positions, IReadOnlyList<Edit>> edits,
        ParseResult arguments,
        Session session
    )
    {
        var (terminal, tokenizer, name) = (session.Terminal, model.Tokenizer, _microscope.ModelName(arguments));
        var chat = Template(arguments, model);
        if (chat is not null)
        {
            if (!Conversation.IsTuned(name, model, tokenizer))
                terminal.Error.WriteLine(
                    "note: this model was not tuned to chat; it continues the conversation as a text, often without sense."
                );
            options = options with { StopTokens = Conversation.StopTokens(model, tokenizer) };
        }
        var prompt =
            chat?.Encode(tokenizer, [new ChatMessage("user", text)], addGenerationPrompt: true)
            ?? tokenizer.Encode(text, !arguments.GetValue(_noBos));
        var (where, positions) = _steering.Positions(arguments);
        var span = Steering.Span(positions, prompt, model.Config.BosId, _steering.IncludesBos(arguments));
        var sweep = _steering.Sweep(arguments);
        double[][] runs = sweep is null
            ? [_steering.Strengths(arguments)]
            : [.. sweep.Select(strength => _steering.Strengths(arguments, strength))];
        // All edits are made before the first token is written: what cannot be is said first.
        var steered = runs.Select(strengths => new Continuation(
                model,
                prompt,
                options with
                {
                    Edits = edits(strengths, span),
                },
                strengths,
                session.Cancellation
            ))
            .ToArray();
        using var normal = new Continuation(model, prompt, options, [], session.Cancellation);
        view = view with
        {
            Model = name,
            Mode = _steering.ModeName(arguments),
            Positions = where,
            Bos = _steering.IncludesBos(arguments),
            Text = text,
            Prompt = prompt,
            IsChat = chat is not null,
            Options = options,
            Normal = normal,
            Steered = steered,
        };
        try
        {
            var json = arguments.GetValue(_json);
            if (json || sweep is not null)
                Watching.Watch(session, "texts", steered.Length + 1, progress => Finish(view, progress, session.Cancellation));
            else
                SteerOutput.Stream(terminal, view, session.Cancellation);
            if (json)
                Json.Write(terminal, writer => SteerOutput.Write(writer, view));
            else if (sweep is not null)
                SteerOutput.Table(terminal, view);
        }
        finally
        {
            foreach (var one in steered)
                one.Dispose();
        }
        session.Cancellation.ThrowIfCancellationRequested();
        return Application.Success;
    }

    private static int Finish(SteerView view, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var done = 0;
        foreach (var one in view.Steered.Prepend(view.Normal))
        {
            if (cancellationToken.IsCancellationRequested)
                break;
            one.Finish(TextWriter.Null);
            one.Measure(cancellationToken);
            progress.Report(++done);
        }
        return done;
    }

    private ChatTemplate? Template(ParseResult arguments, GemmaModel model) =>
        arguments.GetValue(_chat) ? ChatTemplate.ForModelType(model.Config.ModelType) : null;
}

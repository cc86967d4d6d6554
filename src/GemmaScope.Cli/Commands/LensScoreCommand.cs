using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Lenses;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Measures lenses beside each other.</summary>
internal sealed class LensScoreCommand : GemmaScopeCommand
{
    private static readonly LensScoreJobOptions Defaults = new() { Text = [] };

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string[]> _text,
        _lenses;
    private readonly ReadingArguments _reading;
    private readonly Option<int> _prompts,
        _maxSeqLen,
        _skip,
        _seed;
    private readonly Option<bool> _json;

    public LensScoreCommand()
        : base(
            "score",
            "Measure lenses on text, layer by layer: agreement with the model, KL, next and later words, each beside the same lens with shuffled dimensions.",
            "gemmascope lens score --lens logit",
            "gemmascope lens score --lens logit --lens lens.safetensors --lens tuned.safetensors --skip 2000"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _text = Add(CommonOptions.Text());
        _reading = new ReadingArguments(this);
        _lenses = Add(
            new Option<string[]>("--lens")
            {
                Description = "A lens: logit, or a file; may be repeated. Default: logit.",
                HelpName = "LENS",
                DefaultValueFactory = _ => ["logit"],
            }
        );
        _prompts = Add(CommonOptions.Number("--prompts", "N", "Windows that are read.", Defaults.Prompts));
        _maxSeqLen = Add(CommonOptions.Number("--max-seq-len", "N", "Tokens of a window, BOS included.", Defaults.MaxSeqLen));
        _skip = Add(
            CommonOptions.Number("--skip", "N", "Windows at the start that are passed over: those a lens was fitted on.", Defaults.Skip)
        );
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of the shuffle and of the intervals.", Defaults.Seed));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new LensScoreJobOptions
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Prompts = arguments.GetValue(_prompts),
            MaxSeqLen = arguments.GetValue(_maxSeqLen),
            Skip = arguments.GetValue(_skip),
            Seed = arguments.GetValue(_seed),
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        List<Lens> lenses = [];
        try
        {
            foreach (var name in arguments.GetValue(_lenses)!)
                lenses.Add(LensChoice.Open(name, microscope.Model));
            var result = session.Run((progress, stop) => LensScoreJob.RunAsync(microscope, lenses, options, progress, stop));
            if (arguments.GetValue(_json))
                session.Terminal.Data.WriteLine(ResultJson.Text(result));
            else
                LensText.Score(session.Terminal, result);
            return Application.Success;
        }
        finally
        {
            foreach (var lens in lenses)
                lens.Dispose();
        }
    }
}

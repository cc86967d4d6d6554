using System.CommandLine;
using System.Globalization;
using GemmaScope.Cli.Output;
using GemmaScope.Lenses;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Trains a tuned lens.</summary>
internal sealed class LensTuneCommand : GemmaScopeCommand
{
    private static readonly LensTuneJobOptions Defaults = new() { Text = [], Out = "" };

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string[]> _text;
    private readonly ReadingArguments _reading;
    private readonly Option<string> _out;
    private readonly Option<int> _steps,
        _tokensPerStep,
        _maxSeqLen,
        _heldOut;
    private readonly Option<double> _rate,
        _momentum,
        _decay;
    private readonly Option<bool> _biasOnly,
        _force,
        _json;

    public LensTuneCommand()
        : base(
            "tune",
            "Train a tuned lens on texts: an affine map of each layer whose reading comes near to the model's prediction.",
            "gemmascope lens tune --steps 100 --out tuned.safetensors",
            "gemmascope lens show \"The people of the United\" --lens tuned:tuned.safetensors"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _text = Add(CommonOptions.Text());
        _reading = new ReadingArguments(this);
        _out = Add(
            new Option<string>("--out", "-o")
            {
                Description = "The lens (.safetensors).",
                HelpName = "FILE",
                Required = true,
            }
        );
        _steps = Add(CommonOptions.Number("--steps", "N", "Steps.", Defaults.Fit.Steps));
        _tokensPerStep = Add(CommonOptions.Number("--tokens-per-step", "N", "Tokens of a step.", Defaults.TokensPerStep));
        _maxSeqLen = Add(CommonOptions.Number("--max-seq-len", "N", "Tokens of a window, BOS included.", Defaults.MaxSeqLen));
        _heldOut = Add(
            CommonOptions.Number("--held-out", "N", "Windows at the start that are measured, and not trained on.", Defaults.HeldOut)
        );
        _rate = Add(
            CommonOptions.Real("--learning-rate", "X", "Learning rate, times 1 − momentum; it falls to 0.", Defaults.Fit.LearningRate)
        );
        _momentum = Add(CommonOptions.Real("--momentum", "X", "Nesterov momentum.", Defaults.Fit.Momentum));
        _decay = Add(CommonOptions.Real("--weight-decay", "X", "Weight decay.", Defaults.Fit.WeightDecay));
        _biasOnly = Add(new Option<bool>("--bias-only") { Description = "Train the offset alone." });
        _force = Add(new Option<bool>("--force") { Description = "Write over an existing file." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new LensTuneJobOptions
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Out = arguments.GetValue(_out)!,
            TokensPerStep = arguments.GetValue(_tokensPerStep),
            MaxSeqLen = arguments.GetValue(_maxSeqLen),
            HeldOut = arguments.GetValue(_heldOut),
            Overwrite = arguments.GetValue(_force),
            Fit = new TunedFitOptions
            {
                Steps = arguments.GetValue(_steps),
                LearningRate = arguments.GetValue(_rate),
                Momentum = arguments.GetValue(_momentum),
                Nesterov = arguments.GetValue(_momentum) > 0,
                WeightDecay = arguments.GetValue(_decay),
                BiasOnly = arguments.GetValue(_biasOnly),
            },
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, stop) => LensTuneJob.RunAsync(microscope, options, progress, stop));
        if (arguments.GetValue(_json))
        {
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
            return Application.Success;
        }
        session.Terminal.Out.WriteLine($"{result.File}: tuned lens, {result.Steps} steps, {result.Tokens} tokens");
        var table = new DataTable(
            new Column("layer", true),
            new("KL logit", true),
            new("KL tuned", true),
            new("agrees logit", true),
            new("agrees tuned", true)
        );
        foreach (var layer in result.Layers)
            table.Add(
                $"{layer.Layer}",
                LensText.Nats(layer.KlBefore),
                LensText.Nats(layer.Kl),
                LensText.Share(layer.AgreementBefore),
                LensText.Share(layer.Agreement)
            );
        table.Write(session.Terminal);
        return Application.Success;
    }
}

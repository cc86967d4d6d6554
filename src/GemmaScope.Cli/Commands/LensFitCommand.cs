using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using GemmaScope.Cli.Output;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Fits a Jacobian lens, or merges several.</summary>
internal sealed class LensFitCommand : GemmaScopeCommand
{
    private static readonly LensFitJobOptions Defaults = new() { Text = [], Out = "" };

    private static readonly Dictionary<string, JacobianPaths> PathNames = new()
    {
        ["all"] = JacobianPaths.All,
        ["own-position"] = JacobianPaths.OwnPosition,
        ["frozen-patterns"] = JacobianPaths.FrozenPatterns,
    };

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string[]> _text,
        _merge;
    private readonly ReadingArguments _reading;
    private readonly Option<string> _out,
        _type,
        _paths;
    private readonly Option<int> _prompts,
        _maxSeqLen,
        _skipFirst;
    private readonly Option<int?> _targetLayer;
    private readonly Option<string?> _layers;
    private readonly Option<double?> _stopBelow;
    private readonly Option<(int Index, int Count)> _part;
    private readonly Option<bool> _force,
        _restart,
        _json;

    public LensFitCommand()
        : base(
            "fit",
            "Fit a Jacobian lens on texts: the mean derivative of the last layer by each earlier one. The same command goes on where it was interrupted.",
            "gemmascope lens fit --prompts 300 --out lens.safetensors",
            "gemmascope lens fit --model google/gemma-2-2b --text wikitext.jsonl --prompts 1000 --stop-below 0.002 --out lens.safetensors",
            "gemmascope lens fit --text texts/ --part 0/2 --out part0.safetensors",
            "gemmascope lens fit --merge part0.safetensors part1.safetensors --out lens.safetensors"
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
        _prompts = Add(CommonOptions.Number("--prompts", "N", "Windows of text that are read, of all parts together.", Defaults.Prompts));
        _maxSeqLen = Add(CommonOptions.Number("--max-seq-len", "N", "Tokens of a window, BOS included.", Defaults.Fit.MaxSeqLen));
        _skipFirst = Add(
            CommonOptions.Number("--skip-first", "N", "Positions at the start of a window that do not count.", Defaults.Fit.SkipFirst)
        );
        _targetLayer = Add(
            new Option<int?>("--target-layer") { Description = "The layer that is differentiated. Default: the last.", HelpName = "N" }
        );
        _layers = Add(
            new Option<string?>("--layers")
            {
                Description = "The layers that are fitted: 3, 2-4 or 0,2-4. Default: all before the target.",
                HelpName = "LAYERS",
            }
        );
        _paths = Add(
            new Option<string>("--paths")
            {
                Description =
                    "What derivatives flow through: all, own-position (no way through other tokens), frozen-patterns (not through queries and keys).",
                HelpName = "PATHS",
                DefaultValueFactory = _ => "all",
            }
        );
        _paths.AcceptOnlyFromAmong([.. PathNames.Keys]);
        _stopBelow = Add(
            new Option<double?>("--stop-below")
            {
                Description =
                    $"End when the mean of the last ten relative changes is below it, after {LensFitJobOptions.FewestPrompts} prompts.",
                HelpName = "X",
            }
        );
        _part = Add(
            new Option<(int, int)>("--part")
            {
                Description = "Read part I of N of the windows, counted from 0; N machines fit one lens, which --merge makes of theirs.",
                HelpName = "I/N",
                DefaultValueFactory = _ => (0, 1),
                CustomParser = result => Quantity.Part(result),
            }
        );
        _merge = Add(
            new Option<string[]>("--merge")
            {
                Description = "Fit nothing: make one lens of these, each weighted by its prompts.",
                HelpName = "FILE",
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _type = Add(
            new Option<string>("--dtype")
            {
                Description = "Stored type; f32 for lenses that are still to be merged.",
                HelpName = "TYPE",
                DefaultValueFactory = _ => "f32",
            }
        );
        _type.AcceptOnlyFromAmong([.. LensCommand.Types.Keys]);
        _force = Add(new Option<bool>("--force") { Description = "Write over an existing file." });
        _restart = Add(new Option<bool>("--restart") { Description = "Throw an interrupted fit of that name away." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var type = LensCommand.Types[arguments.GetValue(_type)!];
        var result = arguments.GetValue(_merge) is { Length: > 0 } files
            ? LensFitJob.Merge(files, arguments.GetValue(_out)!, type, arguments.GetValue(_force))
            : Fit(arguments, session);
        if (arguments.GetValue(_json))
        {
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
            return Application.Success;
        }
        var terminal = session.Terminal;
        terminal.Out.WriteLine(
            $"{result.File}: Jacobian lens of {result.Prompts} prompts, layers {result.Layers[0]} to {result.Layers[^1]}"
        );
        if (result.Seconds > 0)
            terminal.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{result.Positions} positions; {result.TokensPerSecond:0.#} tokens/s; last change {result.Change ?? double.NaN:0.0000}; distance from the identity {result.IdentityDistance ?? double.NaN:0.00}"
                )
            );
        return Application.Success;
    }

    private LensFitResult Fit(ParseResult arguments, Session session)
    {
        var (part, parts) = arguments.GetValue(_part);
        var options = new LensFitJobOptions
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Out = arguments.GetValue(_out)!,
            Prompts = arguments.GetValue(_prompts),
            StopBelow = arguments.GetValue(_stopBelow),
            Part = part,
            Parts = parts,
            Type = LensCommand.Types[arguments.GetValue(_type)!],
            Overwrite = arguments.GetValue(_force),
            Restart = arguments.GetValue(_restart),
            Fit = new()
            {
                SkipFirst = arguments.GetValue(_skipFirst),
                MaxSeqLen = arguments.GetValue(_maxSeqLen),
                TargetLayer = arguments.GetValue(_targetLayer),
                Paths = PathNames[arguments.GetValue(_paths)!],
            },
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        if (arguments.GetValue(_layers) is { } layers)
            options = options with { Fit = options.Fit with { Layers = LensWords.Layers(layers, microscope.Model.Config.Layers) } };
        return session.Run((progress, stop) => LensFitJob.RunAsync(microscope, options, progress, stop));
    }
}

using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says what this build computes with on this machine, and what a model is like.</summary>
internal sealed class InfoCommand : GemmaScopeCommand
{
    private readonly Argument<string?> _model;
    private readonly Option<bool> _json;

    public InfoCommand()
        : base(
            "info",
            "Show version, kernels, threads and memory; with a model also its shape and size.",
            "gemmascope info",
            "gemmascope info google/gemma-2-2b",
            "gemmascope info demo-pt --json"
        )
    {
        _model = Add(
            new Argument<string?>("model")
            {
                Description = "A model: a folder, a GGUF file, demo-pt, or org/name[@revision] on the hub.",
                HelpName = "model",
                Arity = ArgumentArity.ZeroOrOne,
            }.Offering(KnownWords.Models)
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        using var opened = arguments.GetValue(_model) is { } name
            ? MicroscopeArguments.Open(
                new()
                {
                    Model = name,
                    Use = DictionaryUse.None,
                    Load = new ModelLoadOptions { CheckFinite = false },
                },
                session
            )
            : null;
        var model = opened?.Model;
        var machine = MachineDescription.Current(PrintVersion.Version) with { Model = model is null ? null : ModelDescription.Of(model) };
        if (arguments.GetValue(_json))
        {
            terminal.Data.WriteLine(ResultJson.Text(machine));
            return Application.Success;
        }
        Print(terminal, machine);
        if (model is not null)
        {
            terminal.Out.WriteLine();
            Print(terminal, model, machine.AvailableMemoryBytes);
        }
        return Application.Success;
    }

    private static void Print(Terminal terminal, MachineDescription machine) =>
        Properties.Write(
            terminal,
            ("version", machine.Version),
            ("kernels", machine.Kernels),
            ("oneDNN", machine.OnednnProblem ?? "in use"),
            ("arithmetic", machine.Arithmetic),
            ("processor", $"{machine.Processor}, {string.Join(", ", machine.InstructionSets)}; {machine.VectorBits}-bit vectors"),
            ("threads", $"{machine.Threads}"),
            ("memory", $"{Format.Bytes(machine.MemoryBytes)}, of which {Format.Bytes(machine.AvailableMemoryBytes)} are free"),
            ("huge pages", machine.HugePages is { } given ? (given ? "given to those who ask" : "not given") : "unknown"),
            ("runtime", $"{machine.Runtime}, {machine.Platform}")
        );

    /// <summary>A size of the layers, or the sizes with how many layers have each.</summary>
    private static string Sizes(GemmaConfig config, Func<LayerShape, string> size) =>
        config.Shapes.GroupBy(size).ToArray() is [var only]
            ? only.Key
            : string.Join(", ", config.Shapes.GroupBy(size).Select(group => $"{group.Key} ({group.Count()} layers)"));

    private static IEnumerable<(string, string)> Gemma4(GemmaConfig config)
    {
        if (config.Experts is { } experts)
            yield return ("experts", $"{experts.Count} of width {experts.Width} beside each MLP, {experts.Active} for a token");
        if (config.PerLayer is { } perLayer)
            yield return ("layer embeddings", $"{perLayer.Width} numbers for each token and layer, of {perLayer.Rows} rows");
        if (config.Shapes.Count(shape => shape.KeyValueSource is not null) is > 0 and var sharing)
            yield return ("shared keys", $"{sharing} layers read the keys and values of earlier ones");
    }

    /// <summary>One type, or the types of a file that mixes them with how much of it each has.</summary>
    private static string Types(GemmaModel model) =>
        model.WeightTypes is [var only]
            ? $"{only.Type}"
            : string.Join(", ", model.WeightTypes.Select(part => $"{part.Type} ({Format.Bytes(part.Bytes)})"));

    private static void Print(Terminal terminal, GemmaModel model, long free)
    {
        var config = model.Config;
        var parameters = Format.Count(model.Parameters);
        var rows = config.VocabularyRows > config.RealVocabulary ? $" in {config.VocabularyRows} rows" : "";
        Properties.Write(
            terminal,
            [
                ("model", model.Path),
                ("type", config.ModelType),
                ("weights", $"{Format.Bytes(model.WeightBytes)} in {Types(model)}, {parameters} parameters"),
                ("they lie", WeightPlace.Of(model, free)),
                ("keys, values", $"{Format.Bytes(config.CacheBytes(1000))} for 1,000 tokens of context"),
                (
                    "layers",
                    $"{config.Layers}, of which {config.Shapes.Count(shape => shape.Sliding)} see a window of {config.Window} tokens"
                ),
                ("width", $"{config.Width}; MLP {Sizes(config, shape => $"{shape.MlpWidth}")}"),
                (
                    "heads",
                    $"{config.Heads} of {Sizes(config, shape => $"{shape.HeadSize}")}; {Sizes(config, shape => $"{shape.KeyValueHeads}")} for keys and values"
                ),
                .. Gemma4(config),
                ("vocabulary", $"{config.RealVocabulary} tokens{rows}"),
                ("context", $"{config.MaxPositions} tokens"),
                ("soft caps", $"attention {config.AttentionCap?.ToString() ?? "none"}, logits {config.FinalCap?.ToString() ?? "none"}"),
                (
                    "RoPE",
                    $"base {config.LocalRope.Theta:0} sliding, {config.GlobalRope.Theta:0} global, factor {config.GlobalRope.Factor:0.##}"
                ),
                ("end tokens", string.Join(", ", config.EosIds)),
                ("chat template", ModelDescription.Of(model).ChatTemplate),
                ("sites", $"{config.Sites().Count()} ('gemmascope sites' lists them)"),
            ]
        );
    }
}

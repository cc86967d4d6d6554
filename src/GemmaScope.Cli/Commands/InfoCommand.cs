using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Numerics;

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
                Description = "A model: a folder, demo-pt, or org/name[@revision] on the hub.",
                Arity = ArgumentArity.ZeroOrOne,
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        if (arguments.GetValue(_model) is not { } name)
        {
            if (arguments.GetValue(_json))
                Json.Write(terminal, WriteMachine);
            else
                PrintMachine(terminal);
            return Application.Success;
        }
        using var model = session.LoadModel(name, new ModelLoadOptions { CheckFinite = false });
        if (arguments.GetValue(_json))
        {
            Json.Write(
                terminal,
                json =>
                {
                    WriteMachine(json);
                    json.Object("model", () => WriteModel(json, model));
                }
            );
            return Application.Success;
        }
        PrintMachine(terminal);
        terminal.Out.WriteLine();
        PrintModel(terminal, model);
        return Application.Success;
    }

    private static void PrintMachine(Terminal terminal)
    {
        var compute = Compute.Describe();
        Properties.Write(
            terminal,
            ("version", PrintVersion.Version),
            ("kernels", compute.Kernels),
            ("oneDNN", compute.OneDnnProblem ?? "in use"),
            ("arithmetic", Format.Arithmetic(compute.Arithmetic)),
            ("processor", $"{compute.Processor}, {string.Join(", ", compute.InstructionSets)}; {compute.VectorBits}-bit vectors"),
            ("threads", $"{compute.Threads}"),
            ("memory", $"{Format.Bytes(compute.MemoryBytes)}, of which {Format.Bytes(compute.AvailableMemoryBytes)} are free"),
            ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}")
        );
    }

    private static void WriteMachine(Utf8JsonWriter json)
    {
        var compute = Compute.Describe();
        json.WriteString("version", PrintVersion.Version);
        json.WriteString("kernels", compute.Kernels);
        json.WriteString("onednn_problem", compute.OneDnnProblem);
        json.WriteString("arithmetic", Format.Arithmetic(compute.Arithmetic));
        json.WriteString("processor", compute.Processor);
        json.WriteStartArray("instruction_sets");
        foreach (var set in compute.InstructionSets)
            json.WriteStringValue(set);
        json.WriteEndArray();
        json.WriteNumber("vector_bits", compute.VectorBits);
        json.WriteNumber("threads", compute.Threads);
        json.WriteNumber("memory_bytes", compute.MemoryBytes);
        json.WriteNumber("available_memory_bytes", compute.AvailableMemoryBytes);
        json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        json.WriteString("platform", RuntimeInformation.RuntimeIdentifier);
    }

    private static void PrintModel(Terminal terminal, GemmaModel model)
    {
        var config = model.Config;
        Properties.Write(
            terminal,
            ("model", model.Folder),
            ("type", config.ModelType),
            (
                "weights",
                $"{Format.Bytes(model.WeightBytes)} in {model.WeightType}, {Format.Count(model.WeightBytes / model.WeightType.Size())} parameters"
            ),
            ("layers", $"{config.Layers}, of which {config.Sliding.Count(sliding => sliding)} see a window of {config.Window} tokens"),
            ("width", $"{config.Width}; MLP {config.MlpWidth}"),
            ("heads", $"{config.Heads} of {config.HeadSize}; {config.KeyValueHeads} for keys and values"),
            (
                "vocabulary",
                $"{config.RealVocabulary} tokens{(config.VocabularyRows > config.RealVocabulary ? $" in {config.VocabularyRows} rows" : "")}"
            ),
            ("context", $"{config.MaxPositions} tokens"),
            ("soft caps", $"attention {config.AttentionCap?.ToString() ?? "none"}, logits {config.FinalCap?.ToString() ?? "none"}"),
            (
                "RoPE",
                $"base {config.LocalRope.Theta:0} sliding, {config.GlobalRope.Theta:0} global, factor {config.GlobalRope.Factor:0.##}"
            ),
            ("end tokens", string.Join(", ", config.EosIds)),
            ("sites", $"{config.Sites().Count()} ('gemmascope sites' lists them)")
        );
    }

    private static void WriteModel(Utf8JsonWriter json, GemmaModel model)
    {
        var config = model.Config;
        json.WriteString("folder", model.Folder);
        json.WriteString("model_type", config.ModelType);
        json.WriteString("dtype", $"{model.WeightType}");
        json.WriteNumber("weight_bytes", model.WeightBytes);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("hidden_size", config.Width);
        json.WriteNumber("intermediate_size", config.MlpWidth);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("num_key_value_heads", config.KeyValueHeads);
        json.WriteNumber("head_dim", config.HeadSize);
        json.WriteNumber("vocab_rows", config.VocabularyRows);
        json.WriteNumber("real_vocab_size", config.RealVocabulary);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        json.WriteNumber("sliding_window", config.Window);
        json.WriteStartArray("layer_types");
        foreach (var sliding in config.Sliding)
            json.WriteStringValue(sliding ? "sliding_attention" : "full_attention");
        json.WriteEndArray();
        json.Number("attn_logit_softcapping", config.AttentionCap);
        json.Number("final_logit_softcapping", config.FinalCap);
        json.Integers("eos_token_id", config.EosIds);
        json.WriteNumber("sites", config.Sites().Count());
    }
}

using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>What this build computes with on this machine, and what a model is like.</summary>
/// <param name="Version">The version of the build.</param>
/// <param name="Kernels">The dense kernels with library, version and implementation.</param>
/// <param name="OnednnProblem">Why oneDNN is not used; null if it is.</param>
/// <param name="Arithmetic">The arithmetic of models that are loaded without one: exact or fast.</param>
/// <param name="Processor">Processor architecture.</param>
/// <param name="InstructionSets">Vector instruction sets that the managed kernels may use.</param>
/// <param name="VectorBits">Vector width of the managed kernels.</param>
/// <param name="Threads">Worker threads.</param>
/// <param name="MemoryBytes">Memory this process may use.</param>
/// <param name="AvailableMemoryBytes">Memory that is free for it now.</param>
/// <param name="Runtime">The .NET runtime.</param>
/// <param name="Platform">Operating system and processor.</param>
public sealed record MachineDescription(
    string Version,
    string Kernels,
    string? OnednnProblem,
    string Arithmetic,
    string Processor,
    IReadOnlyList<string> InstructionSets,
    int VectorBits,
    int Threads,
    long MemoryBytes,
    long AvailableMemoryBytes,
    string Runtime,
    string Platform
)
{
    /// <summary>Whether the system gives huge pages to memory that asks for them; null where it does not say so.</summary>
    public bool? HugePages { get; init; }

    /// <summary>The model that was asked for; null where none was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ModelDescription? Model { get; init; }

    /// <summary>This machine as it is now.</summary>
    /// <param name="version">The version of the build.</param>
    public static MachineDescription Current(string version)
    {
        var compute = Compute.Describe();
        return new(
            version,
            compute.Kernels,
            compute.OneDnnProblem,
            compute.Arithmetic == Numerics.Arithmetic.Fast ? "fast" : "exact",
            compute.Processor,
            compute.InstructionSets,
            compute.VectorBits,
            compute.Threads,
            compute.MemoryBytes,
            compute.AvailableMemoryBytes,
            RuntimeInformation.FrameworkDescription,
            RuntimeInformation.RuntimeIdentifier
        )
        {
            HugePages = compute.HugePages,
        };
    }
}

/// <summary>The shape and size of a model; names are those of its config.json.</summary>
/// <param name="Folder">The folder it lies in.</param>
/// <param name="ModelType">The architecture.</param>
/// <param name="Dtype">Type of its weights.</param>
/// <param name="WeightBytes">Bytes of its weights.</param>
/// <param name="NumHiddenLayers">Layers.</param>
/// <param name="HiddenSize">Width of the residual stream.</param>
/// <param name="IntermediateSize">Width of the MLP; where layers differ that of the first.</param>
/// <param name="NumAttentionHeads">Heads of queries.</param>
/// <param name="NumKeyValueHeads">Heads of keys and values; where layers differ those of the first.</param>
/// <param name="HeadDim">Width of a head; where layers differ that of the first.</param>
/// <param name="VocabRows">Rows of the embedding.</param>
/// <param name="RealVocabSize">Tokens of the vocabulary.</param>
/// <param name="MaxPositionEmbeddings">Tokens of the longest context.</param>
/// <param name="SlidingWindow">Tokens that a layer with a window sees.</param>
/// <param name="LayerTypes">sliding_attention or full_attention for each layer.</param>
/// <param name="AttnLogitSoftcapping">Cap of attention scores, or null.</param>
/// <param name="FinalLogitSoftcapping">Cap of logits, or null.</param>
/// <param name="EosTokenId">The tokens that end a text.</param>
/// <param name="Sites">Number of sites.</param>
/// <param name="ChatTemplate">How it reads conversations: gemma2 or gemma3 as known, or the file of the model's own template.</param>
public sealed record ModelDescription(
    string Folder,
    string ModelType,
    string Dtype,
    long WeightBytes,
    int NumHiddenLayers,
    int HiddenSize,
    int IntermediateSize,
    int NumAttentionHeads,
    int NumKeyValueHeads,
    int HeadDim,
    int VocabRows,
    int RealVocabSize,
    int MaxPositionEmbeddings,
    int SlidingWindow,
    IReadOnlyList<string> LayerTypes,
    double? AttnLogitSoftcapping,
    double? FinalLogitSoftcapping,
    IReadOnlyList<int> EosTokenId,
    int Sites,
    string ChatTemplate
)
{
    /// <summary>Where its matrices lie: automatic, mapped or private.</summary>
    public string WeightStorage { get; init; } = "mapped";

    /// <summary>Bytes of keys and values of 1,000 tokens of context.</summary>
    public long CacheBytesOf1000Tokens { get; init; }

    /// <summary>The layers where they differ in size; null where all are alike.</summary>
    public IReadOnlyList<LayerShape>? Layers { get; init; }

    /// <summary>Experts beside each MLP; null for none.</summary>
    public ExpertShape? Experts { get; init; }

    /// <summary>Embeddings for each layer; null for none.</summary>
    public PerLayerShape? PerLayer { get; init; }

    /// <summary>Describes a model.</summary>
    public static ModelDescription Of(GemmaModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var config = model.Config;
        return new(
            model.Path,
            config.ModelType,
            $"{model.WeightType}",
            model.WeightBytes,
            config.Layers,
            config.Width,
            config.Shapes[0].MlpWidth,
            config.Heads,
            config.Shapes[0].KeyValueHeads,
            config.Shapes[0].HeadSize,
            config.VocabularyRows,
            config.RealVocabulary,
            config.MaxPositions,
            config.Window,
            [.. config.Shapes.Select(shape => shape.Sliding ? "sliding_attention" : "full_attention")],
            config.AttentionCap,
            config.FinalCap,
            [.. config.EosIds],
            config.Sites().Count(),
            TemplateOf(model)
        )
        {
            WeightStorage = $"{model.Storage}".ToLowerInvariant(),
            CacheBytesOf1000Tokens = config.CacheBytes(1000),
            Layers = config.HasOneSize ? null : config.Shapes,
            Experts = config.Experts,
            PerLayer = config.PerLayer,
        };
    }

    /// <summary>The name of its chat template, or why there is none to be used.</summary>
    private static string TemplateOf(GemmaModel model)
    {
        try
        {
            return model.ChatTemplate.Name;
        }
        catch (GemmaScopeException problem)
        {
            // What else is to be said of the model is worth saying.
            return $"cannot be used: {problem.Message}";
        }
    }
}

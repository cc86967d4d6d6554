using System.Text.Json;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>The prompt and the targets of a graph from a file, in the tokens of a model.</summary>
internal static class GraphPrompt
{
    /// <summary>The prompt's tokens: as the file names them, else its text in tokens again.</summary>
    /// <exception cref="ArgumentProblemException">They are not the file's, so that the graph is of another model.</exception>
    public static int[] Tokens(GraphDocument graph, GraphOrigin? origin, Microscope microscope)
    {
        var (tokenizer, texts) = (microscope.Model.Tokenizer, graph.Metadata.PromptTokens);
        int[] tokens = origin is null ? tokenizer.Encode(graph.Metadata.Prompt, addBos: true) : [.. origin.PromptIds];
        // A graph of a prompt without BOS has one token less.
        if (origin is null && tokens.Length == texts.Count + 1)
            tokens = tokens[1..];
        if (tokens.Any(token => token < 0 || token >= tokenizer.VocabularySize) || tokens.Length != texts.Count || tokens.Length == 0)
            throw new ArgumentProblemException(
                $"the graph's prompt has {texts.Count} tokens, which are not those of {microscope.ModelName}; it is of another model",
                new Setting(nameof(MicroscopeOptions.Model))
            );
        if (tokens.Length > microscope.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"the graph's prompt has {tokens.Length} tokens, more than this model's context of {microscope.Model.Config.MaxPositions}",
                "graph"
            );
        if (origin is not null && tokens.Zip(texts).Any(pair => tokenizer.Display(pair.First) != pair.Second))
            throw new ArgumentProblemException(
                $"the tokens of the graph's prompt are others in {microscope.ModelName}; it is of another model",
                new Setting(nameof(MicroscopeOptions.Model))
            );
        return tokens;
    }

    /// <summary>How many positions count as constants; null where the file does not say it.</summary>
    public static int? ZeroPositions(GraphDocument graph) =>
        GraphOrigin.Info(graph, "zero_positions") is { ValueKind: JsonValueKind.Number } number
        && number.TryGetInt32(out var positions)
        && positions >= 1
            ? positions
            : null;

    /// <summary>What each target of the file is; null for one that cannot be told.</summary>
    /// <exception cref="ArgumentProblemException">None can.</exception>
    public static IReadOnlyList<CircuitTarget?> Targets(
        GraphDocument graph,
        CircuitJobOptions circuit,
        ReplacementModel model,
        Microscope microscope,
        IProgress<JobReport>? progress
    )
    {
        GraphDocumentNode[] nodes = [.. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Target)];
        // Targets that were named stand in the file as they were named, all of them.
        if (circuit.Targets.Count == nodes.Length && nodes.Length > 0)
            return CircuitTargets.Of(circuit, model, microscope.Model.Tokenizer, progress);
        CircuitTarget?[] targets =
        [
            .. nodes.Select(node =>
                node.Feature is >= 0 and var token
                && token < microscope.Model.Tokenizer.VocabularySize
                && node.Position >= 0
                && node.Position < model.Prompt.Count
                    ? CircuitTarget.Logit((int)token, node.Position) with
                    {
                        Weight = node.Probability is > 0 and <= 1 ? node.Probability : 1,
                    }
                    : null
            ),
        ];
        var known = targets.Count(target => target is not null);
        if (known == 0)
            throw new ArgumentProblemException("no target of the graph is a token of this model, so that nothing can be measured", "graph");
        if (known < targets.Length)
            progress.Note($"{targets.Length - known} of the graph's {targets.Length} targets are no tokens, and are left out");
        return targets;
    }
}

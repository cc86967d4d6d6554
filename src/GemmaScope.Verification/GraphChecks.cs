using GemmaScope.Circuits;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>An attribution graph against its golden values: what it is made of, its rows, influence, pruning, scores and budget.</summary>
internal static class GraphChecks
{
    private const double Values = 1e-4,
        Logits = 5e-4,
        Stored = 1e-6,
        EndToEnd = 1e-4;

    public static IEnumerable<Check> Verify(GraphCase one) =>
        Sources(one).Concat(Rows(one)).Concat(FromStored(one)).Concat(OwnPruning(one)).Concat(Budget(one));

    /// <summary>The replacement model.</summary>
    private static IEnumerable<Check> Sources(GraphCase one)
    {
        var (model, layers) = (one.Model, one.Host.Config.Layers);
        yield return GraphCase.Same(
            "active_features",
            model.Features.SelectMany(feature => (int[])[feature.Layer, feature.Position, feature.Feature]),
            one.Integers("active_features")
        );
        yield return GraphCase.Close(
            "activations",
            [.. model.Features.Select(feature => (double)feature.Activation)],
            one.Numbers("activations"),
            Values
        );
        List<double> pre = [],
            inputs = [],
            outputs = [],
            reconstruction = [],
            errors = [];
        for (var layer = 0; layer < layers; layer++)
        {
            var transcoder = one.Set[layer]!;
            var input = model.Activations(transcoder.Input);
            using var z = transcoder.PreActivations(input);
            pre.AddRange(GraphCase.Numbers(z.AsSpan()));
            var output = model.Activations(Site.MlpOut(layer));
            using var y = Reconstruction(one, layer, input);
            for (var position = 0; position < input.Rows; position++)
            {
                inputs.AddRange(GraphCase.Numbers(input.Row(position)));
                outputs.AddRange(GraphCase.Numbers(output.Row(position)));
                reconstruction.AddRange(GraphCase.Numbers(y.Row(position)));
                errors.AddRange(GraphCase.Numbers(model.Error(layer, position)));
            }
        }
        yield return GraphCase.Close("pre_activations", pre, one.Numbers("pre_activations"), Values);
        yield return GraphCase.Close("transcoder_input", inputs, one.Numbers("transcoder_input"), Values);
        yield return GraphCase.Close("mlp_out", outputs, one.Numbers("mlp_out"), Values);
        yield return GraphCase.Close("reconstruction", reconstruction, one.Numbers("reconstruction"), Values);
        yield return GraphCase.Close("error_vectors", errors, one.Numbers("error_vectors"), Values);
        yield return GraphCase.Close(
            "token_vectors",
            [.. Enumerable.Range(0, model.Prompt.Count).SelectMany(position => GraphCase.Numbers(model.Embeddings.Row(position)))],
            one.Numbers("token_vectors"),
            Values
        );
        using var run = one.Host.Run(
            [.. model.Prompt],
            capture: [new Site(SiteKind.LogitsRaw)],
            logits: LogitRows.All,
            arithmetic: Arithmetic.Exact
        );
        yield return GraphCase.Close("logits", GraphCase.Numbers(run.Logits!.AsSpan()), one.Numbers("logits"), Logits);
        yield return GraphCase.Close(
            "logits_raw",
            GraphCase.Numbers(run[new Site(SiteKind.LogitsRaw)].AsSpan()),
            one.Numbers("logits_raw"),
            Logits
        );
        foreach (var check in Targets(one))
            yield return check;
    }

    private static IEnumerable<Check> Targets(GraphCase one)
    {
        var targets = one.Graph.Targets;
        yield return GraphCase.Same("logit_tokens", targets.Select(target => target.Token!.Value), one.Integers("logit_tokens"));
        yield return GraphCase.Close(
            "logit_probabilities",
            [.. targets.Select(target => target.Weight)],
            one.Numbers("logit_probabilities"),
            EndToEnd
        );
        yield return GraphCase.Close(
            "logit_vectors",
            [.. targets.SelectMany(target => GraphCase.Numbers(target.Resolve(one.Model).Injections[0].Vector))],
            one.Numbers("logit_vectors"),
            Values
        );
    }

    /// <summary>The rows end to end.</summary>
    private static IEnumerable<Check> Rows(GraphCase one)
    {
        var (graph, n) = (one.Graph, one.Graph.NodeCount);
        var counts = one.Expected.Section("counts") ?? throw one.Expected.Missing("counts");
        yield return Golden.Count("counts.features", graph.FeatureCount, counts, "features");
        yield return Golden.Count("counts.errors", graph.ErrorCount, counts, "errors");
        yield return Golden.Count("counts.tokens", graph.TokenCount, counts, "tokens");
        yield return Golden.Count("counts.nodes", n, counts, "nodes");
        var (adjacency, row, sums, values, bias) = (
            new List<double>(n * n),
            new float[graph.FirstTarget],
            new double[n],
            new double[n],
            new List<double>(3 * n)
        );
        for (var node = 0; node < n; node++)
        {
            graph.Row(node, row);
            sums[node] = row.Sum(part => (double)part);
            adjacency.AddRange(GraphCase.Numbers(row));
            adjacency.AddRange(new double[n - row.Length]);
            var has = node < graph.FeatureCount || node >= graph.FirstTarget;
            var constants = has ? graph.Bias(node) : default;
            values[node] = has ? graph.Value(node) : 0;
            bias.AddRange([constants.Encoder, constants.Decoder, constants.Zeroed]);
        }
        yield return GraphCase.Close("adjacency", adjacency, one.Numbers("adjacency"), Values);
        yield return Golden.Count("counts.nonzero_edges", adjacency.Count(weight => weight != 0), counts, "nonzero_edges");
        yield return GraphCase.Close("row_sum", sums, one.Numbers("row_sum"), Values);
        yield return GraphCase.Close("target_value", values, one.Numbers("target_value"), Values);
        yield return GraphCase.Close("bias", bias, one.Numbers("bias"), Values);
        yield return Check.Within("identity", graph.IdentityError, Values);
        yield return Check.That("identity holds", graph.IsComplete);
    }

    /// <summary>Influence, pruning and scores from the golden rows.</summary>
    private static IEnumerable<Check> FromStored(GraphCase one)
    {
        var rows = new GoldenRows(one);
        var weights = one.Numbers("logit_probabilities");
        var influence = GraphInfluence.Of(rows, weights);
        yield return GraphCase.Close("influence, stored adjacency", influence.Influence, one.Numbers("influence"), Stored);
        yield return GraphCase.Close(
            "cumulative_influence, stored adjacency",
            GraphPruning.Cumulative(influence.Influence),
            one.Numbers("cumulative_influence"),
            Stored
        );
        yield return Score(one, "replacement_score", influence.Replacement, Stored);
        yield return Score(one, "completeness_score", influence.Completeness, Stored);
        var (nodeShare, edgeShare) = (GraphCase.Number(one.Expected, "node_threshold"), GraphCase.Number(one.Expected, "edge_threshold"));
        var pruning = GraphPruning.Of(rows, weights, influence.Influence, nodeShare, edgeShare);
        foreach (var check in Pruning(one, pruning, "stored adjacency", Stored))
            yield return check;
    }

    /// <summary>The same from the rows computed here.</summary>
    private static IEnumerable<Check> OwnPruning(GraphCase one)
    {
        var graph = one.Graph;
        yield return GraphCase.Close("influence", graph.Influence, one.Numbers("influence"), EndToEnd);
        yield return Score(one, "replacement_score", graph.ReplacementScore, EndToEnd, "end to end");
        yield return Score(one, "completeness_score", graph.CompletenessScore, EndToEnd, "end to end");
        var pruned = graph.Prune(GraphCase.Number(one.Expected, "node_threshold"), GraphCase.Number(one.Expected, "edge_threshold"));
        yield return GraphCase.Close("cumulative_influence", pruned.CumulativeInfluence, one.Numbers("cumulative_influence"), EndToEnd);
        foreach (var check in Pruning(one, pruned.Pruning, "end to end", EndToEnd))
            yield return check;
    }

    private static IEnumerable<Check> Pruning(GraphCase one, GraphPruning got, string from, double tolerance)
    {
        yield return Same($"node_mask_first, {from}", got.First, "node_mask_first");
        yield return Same($"node_mask, {from}", got.Nodes, "node_mask");
        yield return GraphCase.Same(
            $"edge_index, {from}",
            got.Edges.SelectMany(edge => (int[])[edge.Target, edge.Source]),
            one.Integers("edge_index")
        );
        yield return GraphCase.Close(
            $"edge_score, {from}",
            [.. got.Edges.Select(edge => edge.Score)],
            one.Numbers("edge_score"),
            tolerance
        );
        yield return Score(one, "node_cut", got.NodeCut, tolerance, from);
        yield return Score(one, "edge_cut", got.EdgeCut, tolerance, from);

        Check Same(string name, bool[] mask, string key) => GraphCase.Same(name, mask.Select(kept => kept ? 1 : 0), one.Integers(key));
    }

    /// <summary>The greedy choice, from rows computed only as they are asked for.</summary>
    private static IEnumerable<Check> Budget(GraphCase one)
    {
        var wanted = one.Expected.Section("budget") ?? throw one.Expected.Missing("budget");
        using var graph = AttributionGraph.Compute(
            one.Model,
            one.Graph.Targets,
            new() { MaxFeatures = GraphCase.Integer(wanted, "max_feature_nodes"), Queue = GraphCase.Integer(wanted, "queue") }
        );
        yield return GraphCase.Same("budget_order", graph.Order, one.Integers("budget_order"));
        yield return GraphCase.Same("budget_selected", graph.Chosen, one.Integers("budget_selected"));
        yield return GraphCase.Close("budget_influence", graph.Influence, one.Numbers("budget_influence"), EndToEnd);
        yield return Check.Within(
            "budget replacement_score",
            Math.Abs(graph.ReplacementScore - GraphCase.Number(wanted, "replacement_score")),
            EndToEnd
        );
        yield return Check.Within(
            "budget completeness_score",
            Math.Abs(graph.CompletenessScore - GraphCase.Number(wanted, "completeness_score")),
            EndToEnd
        );
        yield return Check.That("budget identity holds", graph.IsComplete, $"{graph.IdentityError}");
    }

    private static Check Score(GraphCase one, string key, double got, double tolerance, string from = "stored adjacency") =>
        Check.Within($"{key}, {from}", Math.Abs(got - GraphCase.Number(one.Expected, key)), tolerance);

    /// <summary>b_dec + Σ f W_dec + skip with the features of the graph.</summary>
    private static Tensor Reconstruction(GraphCase one, int layer, MatrixView input)
    {
        var (y, vector) = (Tensor.Zeros(input.Rows, input.Columns), new float[input.Columns]);
        if (one.Set[layer]!.Skip is { } skip)
            Compute.Kernels.Multiply(input, skip, y.AsMatrix(), Arithmetic.Exact);
        for (var position = 0; position < input.Rows; position++)
            Add(y.Row(position), one.Set[layer]!.DecoderBias, 1);
        foreach (var feature in one.Model.Features)
        {
            if (!one.Set[feature.Layer]!.Writes(layer))
                continue;
            one.Set[feature.Layer]!.Decoder(layer, feature.Feature, vector);
            Add(y.Row(feature.Position), vector, feature.Activation);
        }
        return y;

        static void Add(Span<float> row, float[] vector, float factor)
        {
            for (var i = 0; i < row.Length; i++)
                row[i] += vector[i] * factor;
        }
    }

    /// <summary>The golden adjacency.</summary>
    private sealed class GoldenRows(GraphCase one) : GraphRows
    {
        private readonly double[] _adjacency = one.Numbers("adjacency");

        public override int Features => one.Graph.FeatureCount;

        public override int Errors => one.Graph.ErrorCount;

        public override int Tokens => one.Graph.TokenCount;

        public override int Targets => one.Graph.Targets.Count;

        public override void Read(int node, Span<float> sources)
        {
            for (var source = 0; source < sources.Length; source++)
                sources[source] = (float)_adjacency[node * Nodes + source];
        }
    }
}

using GemmaScope.Circuits;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;

namespace GemmaScope.Server.Circuits;

/// <summary>Shows where heads look in a prompt, and takes a score apart into what made the query and what made the key.</summary>
/// <param name="circuits">The model.</param>
/// <param name="queue">Its queue.</param>
/// <param name="library">What is known of features, or null.</param>
internal sealed class AttentionReader(CircuitModel circuits, ModelQueue queue, FeatureLibrary? library)
{
    /// <summary>Tokens of a prompt whose whole pattern is sent: it grows with their square.</summary>
    private const int LongestPattern = 192;

    /// <summary>Reads a head.</summary>
    /// <param name="request">The head and the positions.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="prefix">The path under which a proxy shows the server.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">The head or a position does not exist, or the prompt is none.</exception>
    public Task<AttentionAnswer> ReadAsync(AttentionRequest request, string source, string prefix, CancellationToken cancellationToken)
    {
        if (request.Top is < 0 or > AttentionRequest.MostPairs)
            throw new ArgumentProblemException($"must be from 0 to {AttentionRequest.MostPairs}", "top");
        var tokens = PromptRequest.Tokens(circuits.Served, request.Text, request.Tokens);
        return queue.RunAsync(source, Read, cancellationToken);

        AttentionAnswer Read(CancellationToken turn)
        {
            var (model, config) = (circuits.Prompt(tokens, turn).Model, circuits.Served.Model.Config);
            var query = request.Query ?? tokens.Length - 1;
            return new(
                [.. tokens.Select(circuits.Served.Model.Tokenizer.Display)],
                request.Layer,
                config.Layers,
                request.Head,
                query,
                [.. Enumerable.Range(0, config.Heads).Select(head => model.Attention(request.Layer, head, query))],
                tokens.Length > LongestPattern
                    ? null
                    : [.. Enumerable.Range(0, tokens.Length).Select(one => model.Attention(request.Layer, request.Head, one))],
                request.Key is { } key ? Explain(model, request.Layer, request.Head, query, key, request.Top, prefix, turn) : null
            );
        }
    }

    private ExplainedScore Explain(
        ReplacementModel model,
        int layer,
        int head,
        int query,
        int key,
        int top,
        string prefix,
        CancellationToken cancellationToken
    )
    {
        using var found = QueryKeyAttribution.Of(model, layer, head, query, key, cancellationToken);
        var pairs = found.Strongest(top);
        var features = CircuitFeatures.Of(
            library,
            circuits.Served.Name,
            circuits.Names,
            pairs
                .SelectMany(pair => (QueryKeySource[])[pair.Query, pair.Key])
                .Where(one => one.Kind == QueryKeySourceKind.Feature)
                .Select(one => ((int, long)?)(one.Layer, one.Index))
        );
        return new(
            key,
            found.Weight,
            found.Score,
            found.CappedScore,
            found.Error,
            (long)found.QuerySources.Count * found.KeySources.Count,
            [.. pairs.Select(pair => new ExplainedPair(Source(pair.Query), Source(pair.Key), pair.Value))]
        );

        ExplainedSource Source(QueryKeySource one)
        {
            var known = one.Kind == QueryKeySourceKind.Feature ? features.Find(one.Layer, one.Index) : null;
            return new(
                one.Kind,
                one.Layer,
                one.Position,
                one.Index,
                known is { Name.Length: > 0 } named ? named.Name : null,
                known is { } card ? prefix + card.Card : null
            );
        }
    }
}

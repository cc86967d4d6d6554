namespace GemmaScope.Circuits;

/// <summary>What a part of an attention score comes from.</summary>
public enum QueryKeySourceKind
{
    /// <summary>A token's embedding.</summary>
    Token,

    /// <summary>A feature.</summary>
    Feature,

    /// <summary>What the transcoders leave unexplained of a layer's MLP output at a position.</summary>
    Error,

    /// <summary>All decoder biases together.</summary>
    Bias,

    /// <summary>All that MLPs write at the positions that count as constants.</summary>
    Constant,
}

/// <summary>A source of a query or key, by all ways through the residual stream, attention's values and skip connections.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">Layer of a feature or error; −1 for others.</param>
/// <param name="Position">Position; −1 for biases and constants.</param>
/// <param name="Index">The feature's index, the token's id; −1 for others.</param>
public readonly record struct QueryKeySource(QueryKeySourceKind Kind, int Layer, int Position, int Index);

/// <summary>What a source of the query and a source of the key add to a score together.</summary>
/// <param name="Query">At the query's side.</param>
/// <param name="Key">At the key's side.</param>
/// <param name="Value">How much.</param>
public readonly record struct QueryKeyPair(QueryKeySource Query, QueryKeySource Key, double Value);

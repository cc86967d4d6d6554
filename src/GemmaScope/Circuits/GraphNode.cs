namespace GemmaScope.Circuits;

/// <summary>What a node of a graph is.</summary>
public enum GraphNodeKind
{
    /// <summary>A feature at a position.</summary>
    Feature,

    /// <summary>What the transcoders left unexplained of a layer's MLP output at a position.</summary>
    Error,

    /// <summary>The embedding of a token.</summary>
    Token,

    /// <summary>A target.</summary>
    Target,
}

/// <summary>A node of a graph.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">Layer of a feature or error; −1 for tokens, the number of layers for targets.</param>
/// <param name="Position">Position; of a target the one it is read at.</param>
/// <param name="Index">The feature's index, the token's id, the target's number; −1 for errors.</param>
public readonly record struct GraphNode(GraphNodeKind Kind, int Layer, int Position, int Index);

/// <summary>The constants that reach a target without a node, and what was left out, so that the identity closes.</summary>
/// <param name="Encoder">The target's own constant part: a feature's encoder bias.</param>
/// <param name="Decoder">From decoder biases at positions that are not zeroed.</param>
/// <param name="Zeroed">From the MLP outputs of zeroed positions.</param>
/// <param name="Dropped">From features that a budget left out of the graph.</param>
public readonly record struct GraphBias(double Encoder, double Decoder, double Zeroed, double Dropped)
{
    /// <summary>All of them.</summary>
    public double Sum => Encoder + Decoder + Zeroed + Dropped;
}

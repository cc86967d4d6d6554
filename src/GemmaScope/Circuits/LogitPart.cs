namespace GemmaScope.Circuits;

/// <summary>What a part of a logit comes from.</summary>
public enum LogitPartKind
{
    /// <summary>The token's embedding.</summary>
    Embedding,

    /// <summary>What a layer's attention adds to the residual: the sum of its heads.</summary>
    Attention,

    /// <summary>One head, after the norm behind attention.</summary>
    Head,

    /// <summary>What a layer's MLP adds to the residual.</summary>
    Mlp,

    /// <summary>A feature; of a cross-layer transcoder with all that it writes at later layers.</summary>
    Feature,

    /// <summary>What the transcoders leave unexplained of a layer's MLP; where a layer has no transcoder, all of it.</summary>
    Error,

    /// <summary>A transcoder's decoder bias.</summary>
    Bias,

    /// <summary>A transcoder's skip connection.</summary>
    Skip,

    /// <summary>A layer's MLP, without any skip connection, at a position that counts as a constant.</summary>
    Constant,

    /// <summary>What a layer's own embedding of the token adds to the residual (Gemma 4 E).</summary>
    LayerEmbedding,

    /// <summary>What the straight line that stands for the final soft cap has at 0: the logit − slope · the logit before the cap.</summary>
    SoftCap,
}

/// <summary>What a component of the model adds to a logit.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">Its layer; of a feature the one it reads; −1 for the embedding, the number of layers for the soft cap.</param>
/// <param name="Index">Number of the head or feature; −1 for others.</param>
/// <param name="Value">How much.</param>
public readonly record struct LogitPart(LogitPartKind Kind, int Layer, int Index, double Value);

namespace GemmaScope.Circuits;

/// <summary>A feature that fires at a position of a prompt.</summary>
/// <param name="Layer">The layer whose MLP input it reads.</param>
/// <param name="Position">The token's position.</param>
/// <param name="Feature">Index within the layer's transcoder; of a cross-layer transcoder within the layer's block.</param>
/// <param name="Activation">f. For every kind of activation function it equals the pre-activation of a feature that fires.</param>
public readonly record struct ActiveFeature(int Layer, int Position, int Feature, float Activation);

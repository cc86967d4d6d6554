namespace GemmaScope.Training;

/// <summary>Features that read the same columns of an input row and write the same columns of an output row.</summary>
/// <param name="Features">Number of features.</param>
/// <param name="InputStart">First column read.</param>
/// <param name="InputWidth">Columns read.</param>
/// <param name="OutputStart">First column written.</param>
/// <param name="OutputWidth">Columns written.</param>
public readonly record struct FeatureBlock(int Features, int InputStart, int InputWidth, int OutputStart, int OutputWidth);

/// <summary>
/// The shape of a dictionary to be trained: blocks of features between rows of inputs and rows of outputs, in which the layers lie side by
/// side. A single-layer dictionary has one block; in a cross-layer transcoder block l reads layer l and writes the layers from l on.
/// </summary>
/// <param name="InputWidth">Numbers in a row of inputs, of all layers.</param>
/// <param name="OutputWidth">Numbers in a row of outputs, of all layers.</param>
/// <param name="OutputLayers">Number of layers of equal width in a row of outputs.</param>
/// <param name="Reconstructs">Whether the targets are the inputs; else they are other activations, as for transcoders.</param>
/// <param name="Blocks">The blocks; feature indices run through them in this order.</param>
public sealed record TrainerShape(int InputWidth, int OutputWidth, int OutputLayers, bool Reconstructs, IReadOnlyList<FeatureBlock> Blocks)
{
    /// <summary>Number of features of all blocks.</summary>
    public int Features => Blocks.Sum(block => block.Features);

    /// <summary>Whether b_dec can be subtracted from the input: input and output are the same single site.</summary>
    internal bool HasOneSite => Reconstructs && OutputLayers == 1;

    /// <summary>Width of one output layer.</summary>
    public int LayerWidth => OutputWidth / OutputLayers;

    /// <summary>The block of a feature, and its row in the block's matrices.</summary>
    internal (int Block, int Row) Locate(int feature)
    {
        var block = 0;
        for (; feature >= Blocks[block].Features; block++)
            feature -= Blocks[block].Features;
        return (block, feature);
    }

    /// <summary>A sparse autoencoder of rows of <paramref name="width"/> numbers.</summary>
    public static TrainerShape Autoencoder(int width, int features) => Transcoder(width, width, features) with { Reconstructs = true };

    /// <summary>A transcoder, which predicts other rows than it reads.</summary>
    public static TrainerShape Transcoder(int inputWidth, int outputWidth, int features) =>
        new(inputWidth, outputWidth, 1, false, [new FeatureBlock(features, 0, inputWidth, 0, outputWidth)]);

    /// <summary>A crosscoder whose features read and write all layers (METHODS §4.3).</summary>
    public static TrainerShape Crosscoder(int layers, int width, int features) =>
        new(layers * width, layers * width, layers, true, [new FeatureBlock(features, 0, layers * width, 0, layers * width)]);

    /// <summary>A weakly causal crosscoder or a cross-layer transcoder: the features of block l read layer l and write the layers from l on
    /// (METHODS §4.4).</summary>
    /// <param name="width">Width of each layer.</param>
    /// <param name="features">Features of each layer's block.</param>
    /// <param name="reconstructs">True for a crosscoder, whose targets are its inputs.</param>
    public static TrainerShape CrossLayer(int width, IReadOnlyList<int> features, bool reconstructs)
    {
        var layers = features.Count;
        return new(
            layers * width,
            layers * width,
            layers,
            reconstructs,
            [.. features.Select((count, l) => new FeatureBlock(count, l * width, width, l * width, (layers - l) * width))]
        );
    }
}

namespace GemmaScope.Models;

/// <summary>What may differ from layer to layer: sizes, how far attention sees, and whose keys and values it reads.</summary>
public sealed record LayerShape
{
    /// <summary>Whether attention sees a window of the last tokens only.</summary>
    public required bool Sliding { get; init; }

    /// <summary>Size h of one head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Key-value heads K; query head i uses key-value head i / (heads / K).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>MLP width M.</summary>
    public required int MlpWidth { get; init; }

    /// <summary>The earlier layer whose keys and values this one reads; null where it makes its own (Gemma 4 E).</summary>
    public int? KeyValueSource { get; init; }

    /// <summary>Whether values are the key projection's output, so that there is no value projection (large Gemma 4).</summary>
    public bool ValuesAreKeys { get; init; }

    /// <summary>Numbers of the keys of one token, and of its values.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Layers of one size that differ in what they see.</summary>
    /// <param name="sliding">For each layer whether it sees a window only.</param>
    /// <param name="headSize">Size of one head.</param>
    /// <param name="keyValueHeads">Key-value heads.</param>
    /// <param name="mlpWidth">MLP width.</param>
    internal static IReadOnlyList<LayerShape> Alike(IEnumerable<bool> sliding, int headSize, int keyValueHeads, int mlpWidth) =>
        [
            .. sliding.Select(slides => new LayerShape
            {
                Sliding = slides,
                HeadSize = headSize,
                KeyValueHeads = keyValueHeads,
                MlpWidth = mlpWidth,
            }),
        ];
}

/// <summary>The experts of a mixture-of-experts layer, which stand beside its dense MLP.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Active">How many a token uses.</param>
/// <param name="Width">MLP width of one.</param>
public readonly record struct ExpertShape(int Count, int Active, int Width);

/// <summary>The table of Gemma 4 E that gives every token a vector for every layer.</summary>
/// <param name="Rows">Rows of the table.</param>
/// <param name="Width">Width P of one layer's vector; a row has one for each layer, the first layer's first.</param>
public readonly record struct PerLayerShape(int Rows, int Width);

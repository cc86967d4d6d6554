using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>One layer's part of a multi-layer dictionary.</summary>
/// <param name="Encoder">W_enc of the layer with its selector.</param>
/// <param name="Start">Index of its first feature in the whole dictionary.</param>
/// <param name="Decoders">Decoder vectors towards each layer; null towards earlier ones.</param>
/// <param name="Bias">b_dec of the layer as a target.</param>
/// <param name="Skip">Linear path from the layer's input to its own output, or null.</param>
internal sealed record LayerBlock(FeatureEncoder Encoder, int Start, DecoderRows?[] Decoders, float[] Bias, WeightView? Skip);

/// <summary>
/// A crosscoder or cross-layer transcoder: features of block l read site l and write the sites from l on, by absolute
/// target layer (METHODS §3.2, §4.4): x̂_t = b_dec,t + Σ_{l ≤ t} f_l W_dec,l[:, t] (+ x_t · affine_t). Inputs and outputs of the layers lie
/// side by side in a row; feature indices run through the blocks.
/// </summary>
public sealed class MultiLayerDictionary : SparseDictionary
{
    private readonly LayerBlock[] _blocks;
    private readonly int _model;

    internal MultiLayerDictionary(DictionaryDescription description, LayerBlock[] blocks)
        : base(description)
    {
        (_blocks, _model) = (blocks, blocks[0].Encoder.Inputs);
        BlockStarts = [.. blocks.Select(block => block.Start), Width];
    }

    /// <inheritdoc/>
    public override ActivationFunction Activation => _blocks[0].Encoder.Selector.Function;

    /// <inheritdoc/>
    public override int Width => _blocks[^1].Start + _blocks[^1].Encoder.Features;

    /// <inheritdoc/>
    public override int InputWidth => _blocks.Length * _model;

    /// <inheritdoc/>
    public override int OutputWidth => _blocks.Length * _model;

    /// <inheritdoc/>
    public override bool DecodesWithInput => _blocks.Any(block => block.Skip is not null);

    internal IReadOnlyList<LayerBlock> Blocks => _blocks;

    /// <summary>Index of the first feature of each layer's block, and last the width.</summary>
    public IReadOnlyList<int> BlockStarts { get; }

    /// <summary>The block that a feature belongs to: which of the input sites it reads.</summary>
    public int BlockOf(int feature)
    {
        var block = _blocks.Length - 1;
        while (block > 0 && feature < _blocks[block].Start)
            block--;
        return block;
    }

    /// <summary>Adds the features of one block, for callers that meet its input before the next one's: blocks come by rising
    /// index.</summary>
    /// <param name="block">The block.</param>
    /// <param name="x">[tokens, d] activations at its input site.</param>
    /// <param name="rows">Where they go.</param>
    /// <param name="cancellationToken">Stops between blocks of features.</param>
    internal void EncodeBlock(int block, MatrixView x, FeatureRows rows, CancellationToken cancellationToken) =>
        _blocks[block].Encoder.Encode(x, _blocks[block].Start, rows, cancellationToken);

    /// <summary>What the features stand for at one output site: [tokens, d]. Only those of its own block and earlier ones count.</summary>
    /// <param name="target">The output site by its place.</param>
    /// <param name="features">Features of <see cref="Width"/> columns.</param>
    /// <param name="input">[tokens, d] activations at the input site of the same place, for a skip connection.</param>
    internal Tensor DecodeTarget(int target, SparseActivations features, MatrixView input)
    {
        var y = Tensor.Uninitialized(features.Rows, _model);
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            DecodeRows(target, FeatureColumns.Of(features, start, count), y.AsMatrix().SliceRows(start, count));
        AddSkip(target, y.AsMatrix(), input);
        return y;
    }

    private protected override void EncodeInto(FeatureRows rows, MatrixView x, CancellationToken cancellationToken)
    {
        for (var l = 0; l < _blocks.Length; l++)
            EncodeBlock(l, x.SliceColumns(l * _model, _model), rows, cancellationToken);
    }

    private protected override void DecodeInto(MatrixView y, SparseActivations features, MatrixView? input)
    {
        foreach (var (start, count) in FeatureColumns.Blocks(features))
        {
            var columns = FeatureColumns.Of(features, start, count);
            for (var t = 0; t < _blocks.Length; t++)
                DecodeRows(t, columns, y.SliceRows(start, count).SliceColumns(t * _model, _model));
        }
        if (input is not { } x)
            return;
        for (var t = 0; t < _blocks.Length; t++)
            AddSkip(t, y.SliceColumns(t * _model, _model), x.SliceColumns(t * _model, _model));
    }

    private protected override void ReadDecoder(int feature, Span<float> vector)
    {
        vector.Clear();
        var block = _blocks[BlockOf(feature)];
        for (var t = 0; t < _blocks.Length; t++)
            block.Decoders[t]?.Read(feature - block.Start, vector.Slice(t * _model, _model));
    }

    private void DecodeRows(int target, FeatureColumns features, MatrixView y)
    {
        for (var l = 0; l <= target; l++)
        {
            var part = features.Between(_blocks[l].Start, BlockStarts[l + 1]);
            if (part.Count == 0 && l > 0)
                continue;
            _blocks[l].Decoders[target]!.Multiply(part, _blocks[l].Start, l == 0 ? _blocks[target].Bias : null, y);
        }
    }

    private void AddSkip(int target, MatrixView y, MatrixView input)
    {
        if (_blocks[target].Skip is not { } skip)
            return;
        using var path = Tensor.Uninitialized(y.Rows, _model);
        Compute.Kernels.Multiply(input, skip, path.AsMatrix(), Arithmetic.Exact);
        for (var i = 0; i < y.Rows; i++)
            TensorPrimitives.Add(y.Row(i), path.Row(i), y.Row(i));
    }
}

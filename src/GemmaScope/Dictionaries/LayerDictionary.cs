using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>The weights of a single-layer dictionary and the steps around its two products.</summary>
/// <param name="Encoder">W_enc with its selector.</param>
/// <param name="Decoder">W_dec.</param>
/// <param name="Bias">b_dec.</param>
/// <param name="SubtractsBias">Whether b_dec is subtracted from the (scaled) input first.</param>
/// <param name="Scaling">What is done to the input and undone to the output.</param>
/// <param name="Skip">The linear path from input to output, or null.</param>
internal sealed record DictionaryWeights(
    FeatureEncoder Encoder,
    DecoderRows Decoder,
    float[] Bias,
    bool SubtractsBias,
    InputScaling Scaling,
    WeightView? Skip
);

/// <summary>A dictionary that reads one site and writes one site: SAE, transcoder or skip transcoder.</summary>
internal sealed class LayerDictionary(DictionaryDescription description, DictionaryWeights weights) : SparseDictionary(description)
{
    public DictionaryWeights Weights => weights;

    public override ActivationFunction Activation => weights.Encoder.Selector.Function;

    public override int? K => (weights.Encoder.Selector as TopKSelector)?.K;

    public override int Width => weights.Encoder.Features;

    public override int InputWidth => weights.Encoder.Inputs;

    public override int OutputWidth => weights.Decoder.Columns;

    /// <summary>Writes W_enc of a feature as it acts on the raw input; rows that are scaled one by one have no such vector.</summary>
    internal void Encoder(int feature, Span<float> vector)
    {
        weights.Encoder.Read(feature, vector);
        if (weights.Scaling.Factor is { } factor && factor != 1)
            TensorPrimitives.Multiply(vector, factor, vector);
    }

    public override bool DecodesWithInput => weights.Skip is not null || weights.Scaling.Factor is null;

    private protected override void EncodeInto(FeatureRows rows, MatrixView x, CancellationToken cancellationToken) =>
        EncodeInto(weights.Encoder, rows, x, cancellationToken);

    /// <summary>The features that another encoder of the same width finds in rows prepared as for this dictionary's own.</summary>
    internal SparseActivations Encode(FeatureEncoder encoder, MatrixView x, CancellationToken cancellationToken)
    {
        var rows = new FeatureRows(x.Rows, Width);
        EncodeInto(encoder, rows, x, cancellationToken);
        return rows.ToActivations();
    }

    private void EncodeInto(FeatureEncoder encoder, FeatureRows rows, MatrixView x, CancellationToken cancellationToken)
    {
        if (weights.Scaling == InputScaling.None && !weights.SubtractsBias)
        {
            encoder.Encode(x, 0, rows, cancellationToken);
            return;
        }
        using var prepared = Tensor.Uninitialized(x.Rows, x.Columns);
        for (var i = 0; i < x.Rows; i++)
        {
            var row = prepared.Row(i);
            weights.Scaling.Apply(x.Row(i), row);
            if (weights.SubtractsBias)
                TensorPrimitives.Subtract(row, weights.Bias, row);
        }
        encoder.Encode(prepared.AsMatrix(), 0, rows, cancellationToken);
    }

    private protected override void DecodeInto(MatrixView y, SparseActivations features, MatrixView? input)
    {
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            weights.Decoder.Multiply(FeatureColumns.Of(features, start, count), 0, weights.Bias, y.SliceRows(start, count));
        if (weights.Scaling != InputScaling.None)
            for (var i = 0; i < y.Rows; i++)
                weights.Scaling.Undo(input is { } x ? x.Row(i) : default, y.Row(i));
        if (weights.Skip is not { } skip)
            return;
        using var path = Tensor.Uninitialized(y.Rows, y.Columns);
        Compute.Kernels.Multiply(input!.Value, skip, path.AsMatrix(), Arithmetic.Exact);
        for (var i = 0; i < y.Rows; i++)
            TensorPrimitives.Add(y.Row(i), path.Row(i), y.Row(i));
    }

    private protected override void ReadDecoder(int feature, Span<float> vector)
    {
        weights.Decoder.Read(feature, vector);
        if (weights.Scaling.Factor is { } factor && factor != 1)
            TensorPrimitives.Divide(vector, factor, vector);
    }
}

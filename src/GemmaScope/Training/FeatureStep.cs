using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>What a step hands from its decoder to its features.</summary>
/// <param name="Inputs">h [rows, inputs], what the encoder saw.</param>
/// <param name="InputSums">Σ_b h, where the loss of silent features needs it.</param>
/// <param name="Found">Entries of the features.</param>
/// <param name="Auxiliary">Entries of the second code, or null.</param>
/// <param name="Decoded">Gradients by the outputs.</param>
/// <param name="Code">The second code, or null.</param>
/// <param name="Loss">The losses.</param>
/// <param name="Tokens">Rows seen when the step is done.</param>
internal sealed record FeatureInputs(
    MatrixView Inputs,
    float[] InputSums,
    EntryColumns Found,
    EntryColumns? Auxiliary,
    DecoderPass Decoded,
    AuxiliaryCode? Code,
    StepLoss Loss,
    long Tokens
);

/// <summary>What became of a feature's entries before its rows are passed on.</summary>
/// <param name="Scalars">Gradients of its scalars, and losses.</param>
/// <param name="Active">Rows in which it is active.</param>
/// <param name="Sum">Σ_b ∂L/∂(h · w_enc).</param>
internal readonly record struct FeatureDerivatives(FeatureScalars Scalars, int Active, double Sum);

/// <summary>The backward pass of one feature, in the pieces of which the sparse and the dense way are made.</summary>
internal sealed unsafe class FeatureStep(
    Recipe recipe,
    TrainerShape shape,
    TrainerParameters parameters,
    Firing firing,
    FeaturePass pass,
    FeatureInputs inputs,
    FeatureRule rule,
    GradientSink sink
)
{
    private readonly bool _subtracts = recipe.SubtractDecoderBias && shape.HasOneSite;
    private readonly bool _everyRow = inputs.Loss.PreActivation != 0;

    public FeatureInputs Inputs => inputs;

    public FeatureBlock Block(FeaturePart part) => shape.Blocks[part.Block];

    public Tensor Decoder(FeaturePart part) => parameters.Decoder[part.Block].Values;

    /// <summary>∂L/∂ŷ of each row as a feature sees it.</summary>
    public MatrixView OutputGradient(FeaturePart part, int row)
    {
        var (prefix, block) = (0, Block(part));
        while (inputs.Decoded.Prefixes[prefix] <= part.BlockStart + row)
            prefix++;
        return inputs.Decoded.Gradient(prefix).SliceColumns(block.OutputStart, block.OutputWidth);
    }

    /// <summary>h as a feature reads it.</summary>
    public MatrixView Input(FeaturePart part) => inputs.Inputs.SliceColumns(Block(part).InputStart, Block(part).InputWidth);

    /// <summary>f of a feature's entries.</summary>
    public void Values(FeaturePart part, int row, Span<float> values)
    {
        var feature = part.BlockStart + row;
        var z = inputs.Found.Z(feature);
        for (var k = 0; k < z.Length; k++)
            values[k] = rule.Value(feature, z[k]);
    }

    /// <summary>All of a feature, by sums over its entries.</summary>
    public void Sparse(FeaturePart part, int row)
    {
        var (feature, block) = (part.BlockStart + row, Block(part));
        if (inputs.Found.Count(feature) == 0 && (inputs.Auxiliary?.Count(feature) ?? 0) == 0 && !_everyRow && !sink.WantsAll)
        {
            pass.Store(feature, default);
            return;
        }
        var room = FeatureRoom.Of(block.InputWidth, block.OutputWidth, inputs.Found.Count(feature));
        Span<float> encoder = room.Encoder.AsSpan(0, block.InputWidth),
            decoder = room.Decoder.AsSpan(0, block.OutputWidth);
        encoder.Clear();
        decoder.Clear();
        var rows = inputs.Found.Rows(feature);
        Span<float> values = room.Values.AsSpan(0, rows.Length),
            byActivation = room.ByActivation.AsSpan(0, rows.Length),
            byProduct = room.ByProduct.AsSpan(0, rows.Length);
        Values(part, row, values);
        AddAndDot(OutputGradient(part, row), rows, values, part, row, decoder, byActivation);
        var derivatives = Derive(part, row, values, byActivation, byProduct);
        AddInputs(part, rows, byProduct, encoder);
        Finish(part, row, encoder, decoder, derivatives);
    }

    /// <summary>From ∂L/∂f of a feature's entries to ∂L/∂(h · w_enc) and its scalars.</summary>
    public FeatureDerivatives Derive(FeaturePart part, int row, ReadOnlySpan<float> values, Span<float> byActivation, Span<float> byProduct)
    {
        var feature = part.BlockStart + row;
        var norm = _everyRow || inputs.Loss.Penalty.NeedsNorm ? DecoderGeometry.Norm(Decoder(part).Row(row), Layer(part)) : 0;
        var scalars = rule.Backward(
            new FeatureEntries(feature, inputs.Found.Rows(feature), inputs.Found.Z(feature), byActivation, byProduct, norm),
            inputs.Loss
        );
        var active = 0;
        foreach (var value in values)
            active += value != 0 ? 1 : 0;
        return new(scalars, active, Sum(byProduct));
    }

    /// <summary>What is left: the second code, silent rows, norms; then the feature's rows go to the optimiser.</summary>
    public void Finish(FeaturePart part, int row, Span<float> encoder, Span<float> decoder, FeatureDerivatives derivatives)
    {
        var (feature, scalars, sum) = (part.BlockStart + row, derivatives.Scalars, derivatives.Sum);
        if (inputs.Code is not null)
            sum += SecondCode(part, row, encoder, decoder, ref scalars);
        if (_everyRow)
            sum += EveryRow(part, row, encoder, ref scalars);
        if (scalars.Norm != 0)
            DecoderGeometry.AddNormGradient(Decoder(part).Row(row), Layer(part), (float)scalars.Norm, decoder);
        if (derivatives.Active > 0 && sink.Moves)
            firing.Add(feature, derivatives.Active, inputs.Tokens);
        part.Totals = part.Totals.Plus(scalars);
        pass.Store(feature, scalars);
        if (_subtracts && sum != 0)
            TensorPrimitives.MultiplyAdd(parameters.Encoder[part.Block].Values.Row(row), (float)sum, part.ThroughInput, part.ThroughInput);
        // Entries that only train the threshold leave both rows alone.
        if (derivatives.Active > 0 || inputs.Code is not null || _everyRow || sink.WantsAll)
            sink.Feature(feature, part.Block, row, encoder, decoder);
    }

    private int Layer(FeaturePart part) => recipe.SumLayerNorms ? shape.LayerWidth : Block(part).OutputWidth;

    private double SecondCode(FeaturePart part, int row, Span<float> encoder, Span<float> decoder, ref FeatureScalars scalars)
    {
        var (feature, block) = (part.BlockStart + row, Block(part));
        var rows = inputs.Auxiliary!.Rows(feature);
        if (rows.Length == 0)
            return 0;
        var room = FeatureRoom.Of(block.InputWidth, block.OutputWidth, rows.Length);
        Span<float> values = room.Values.AsSpan(0, rows.Length),
            byActivation = room.ByActivation.AsSpan(0, rows.Length),
            byProduct = room.ByProduct.AsSpan(0, rows.Length);
        if (inputs.Code!.TrainsDecoder)
            inputs.Auxiliary.Z(feature).CopyTo(values);
        else
            values.Clear();
        AddAndDot(
            inputs.Decoded.AuxiliaryGradient.SliceColumns(block.OutputStart, block.OutputWidth),
            rows,
            values,
            part,
            row,
            decoder,
            byActivation
        );
        scalars = scalars.Plus(
            rule.BackwardAuxiliary(new FeatureEntries(feature, rows, inputs.Auxiliary.Z(feature), byActivation, byProduct, 0), inputs.Loss)
        );
        AddInputs(part, rows, byProduct, encoder);
        return Sum(byProduct);
    }

    /// <summary>The part of ∂L/∂(h · w_enc) that is the same in all rows, and the loss that goes with it.</summary>
    private double EveryRow(FeaturePart part, int row, Span<float> encoder, ref FeatureScalars scalars)
    {
        var (feature, block, count) = (part.BlockStart + row, Block(part), inputs.Loss.Rows);
        ReadOnlySpan<float> sums = inputs.InputSums.AsSpan(block.InputStart, block.InputWidth);
        TensorPrimitives.MultiplyAdd(sums, (float)scalars.EveryRow, encoder, encoder);
        var z =
            TensorPrimitives.Dot<float>(sums, parameters.Encoder[part.Block].Values.Row(row))
            + (double)count * parameters.EncoderBias.Values.AsSpan()[feature];
        var weighted = inputs.Loss.PreActivation / count * (scalars.PreActivation - z);
        scalars.Norm += weighted;
        scalars.PreActivation = weighted * DecoderGeometry.Norm(Decoder(part).Row(row), Layer(part));
        return scalars.EveryRow * count;
    }

    /// <summary>decoder += Σ_k values[k] · gradient[rows[k]], and the products of these rows with the decoder vector.</summary>
    private void AddAndDot(
        MatrixView gradient,
        ReadOnlySpan<int> rows,
        ReadOnlySpan<float> values,
        FeaturePart part,
        int row,
        Span<float> decoder,
        Span<float> byActivation
    )
    {
        var w = Decoder(part);
        EntryKernels.AddAndDot(gradient.Data, gradient.Stride, rows, values, w.Floats + (long)row * w.Columns, decoder, byActivation);
    }

    /// <summary>encoder += Σ_k byProduct[k] · h[rows[k]].</summary>
    private void AddInputs(FeaturePart part, ReadOnlySpan<int> rows, ReadOnlySpan<float> byProduct, Span<float> encoder)
    {
        var h = Input(part);
        EntryKernels.Add(h.Data, h.Stride, rows, byProduct, encoder);
    }

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (var value in values)
            sum += value;
        return sum;
    }
}

/// <summary>Room for one feature, of each thread.</summary>
internal sealed class FeatureRoom
{
    [ThreadStatic]
    private static FeatureRoom? t_room;

    public float[] Encoder = [],
        Decoder = [],
        Values = [],
        ByActivation = [],
        ByProduct = [];

    /// <summary>The thread's room, for rows of these widths and so many entries; what it held of entries is gone.</summary>
    public static FeatureRoom Of(int inputs, int outputs, int entries)
    {
        var room = t_room ??= new();
        if (room.Encoder.Length < inputs)
            room.Encoder = new float[inputs];
        if (room.Decoder.Length < outputs)
            room.Decoder = new float[outputs];
        if (room.Values.Length < entries)
            (room.Values, room.ByActivation, room.ByProduct) = (new float[2 * entries], new float[2 * entries], new float[2 * entries]);
        return room;
    }
}

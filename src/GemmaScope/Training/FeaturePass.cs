using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>What a step hands from its decoder to its features.</summary>
/// <param name="Inputs">h [rows, inputs], what the encoder saw.</param>
/// <param name="InputSums">Σ_b h.</param>
/// <param name="Found">Entries of the features.</param>
/// <param name="Auxiliary">Entries of the second code, or null.</param>
/// <param name="Decoded">Gradients by the outputs.</param>
/// <param name="Code">The second code, or null.</param>
/// <param name="Loss">The losses.</param>
/// <param name="Tokens">Rows seen when the step is done.</param>
internal sealed record FeatureInputs(
    MatrixView Inputs, float[] InputSums, EntryColumns Found, EntryColumns? Auxiliary, DecoderPass Decoded, AuxiliaryCode? Code, StepLoss Loss, long Tokens);

/// <summary>
/// The backward pass feature by feature: its two gradient rows are made in the first-level cache from the rows of the batch in which it has an entry, and go
/// straight to the optimiser. No gradient of a whole matrix is ever stored, and a feature without entries costs nothing.
/// </summary>
internal sealed class FeaturePass
{
    private const int SmallestPart = 16, MostParts = 512;

    private readonly Recipe _recipe;
    private readonly TrainerShape _shape;
    private readonly TrainerParameters _parameters;
    private readonly Counters _lastFired;
    private readonly Part[] _parts;

    /// <param name="recipe">The hyper-parameters.</param>
    /// <param name="shape">The blocks.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="lastFired">For each feature the number of rows seen when it last fired; kept up to date.</param>
    public FeaturePass(Recipe recipe, TrainerShape shape, TrainerParameters parameters, Counters lastFired)
    {
        (_recipe, _shape, _parameters, _lastFired) = (recipe, shape, parameters, lastFired);
        // Parts depend on nothing but the shape, and sums are made part after part: the same bits on any number of threads.
        var size = Math.Max(SmallestPart, (shape.Features + MostParts - 1) / MostParts);
        var (parts, first) = (new List<Part>(), 0);
        for (var l = 0; l < shape.Blocks.Count; first += shape.Blocks[l++].Features)
            for (var row = 0; row < shape.Blocks[l].Features; row += size)
                parts.Add(new Part(l, row, Math.Min(size, shape.Blocks[l].Features - row), first, Subtracts ? shape.Blocks[l].InputWidth : 0));
        _parts = [.. parts];
        Bias = new float[shape.Features];
        (Threshold, MagnitudeBias, MagnitudeLog) = (new float[shape.Features], new float[shape.Features], new float[shape.Features]);
        ThroughInput = new double[shape.InputWidth];
    }

    /// <summary>Gradients of b_enc (b_gate), θ, b_mag and r_mag.</summary>
    public float[] Bias { get; }

    public float[] Threshold { get; }

    public float[] MagnitudeBias { get; }

    public float[] MagnitudeLog { get; }

    /// <summary>Σ_b ∂L/∂h: what b_dec receives, with the other sign, where it is subtracted from the input. Summed over the batch before W_enc is read.</summary>
    public double[] ThroughInput { get; }

    private bool Subtracts => _recipe.SubtractDecoderBias && _shape.HasOneSite;

    /// <summary>Losses and counts of all features.</summary>
    public FeatureTotals Totals { get; private set; }

    public void Run(FeatureInputs inputs, IReadOnlyList<int> prefixes, FeatureRule rule, GradientSink sink)
    {
        Workers.For(_parts.Length, new Job(this, inputs, prefixes, rule, sink));
        Array.Clear(ThroughInput);
        var totals = new FeatureTotals();
        foreach (var part in _parts)
        {
            totals = totals.Plus(part.Totals);
            if (!Subtracts) continue;
            var block = _shape.Blocks[part.Block];
            for (var i = 0; i < block.InputWidth; i++) ThroughInput[block.InputStart + i] += part.ThroughInput[i];
        }
        Totals = totals;
    }

    private sealed class Part(int block, int start, int count, int blockStart, int inputs)
    {
        public readonly int Block = block, Start = start, Count = count, BlockStart = blockStart;
        public readonly float[] ThroughInput = new float[inputs];
        public FeatureTotals Totals;
    }

    /// <summary>Room for one feature, of each thread.</summary>
    private sealed class Room
    {
        [ThreadStatic] private static Room? t_room;

        public float[] Encoder = [], Decoder = [], Values = [], ByActivation = [], ByProduct = [];

        public static Room Of(int inputs, int outputs)
        {
            var room = t_room ??= new();
            if (room.Encoder.Length < inputs) room.Encoder = new float[inputs];
            if (room.Decoder.Length < outputs) room.Decoder = new float[outputs];
            return room;
        }

        public void Entries(int count)
        {
            if (Values.Length < count) (Values, ByActivation, ByProduct) = (new float[2 * count], new float[2 * count], new float[2 * count]);
        }
    }

    private readonly unsafe struct Job(FeaturePass pass, FeatureInputs inputs, IReadOnlyList<int> prefixes, FeatureRule rule, GradientSink sink) : IJob
    {
        public void Run(int index)
        {
            var part = pass._parts[index];
            part.Totals = default;
            Array.Clear(part.ThroughInput);
            for (var i = 0; i < part.Count; i++) Feature(part, part.Start + i);
        }

        private void Feature(Part part, int row)
        {
            var (feature, block) = (part.BlockStart + row, pass._shape.Blocks[part.Block]);
            var everyRow = inputs.Loss.PreActivation != 0;
            var scalars = new FeatureScalars();
            if (inputs.Found.Count(feature) == 0 && (inputs.Auxiliary?.Count(feature) ?? 0) == 0 && !everyRow && !sink.WantsAll)
            {
                Store(feature, scalars);
                return;
            }
            var room = Room.Of(block.InputWidth, block.OutputWidth);
            Span<float> encoder = room.Encoder.AsSpan(0, block.InputWidth), decoder = room.Decoder.AsSpan(0, block.OutputWidth);
            encoder.Clear();
            decoder.Clear();
            var w = pass._parameters.Decoder[part.Block].Values.Row(row);
            var layer = pass._recipe.SumLayerNorms ? pass._shape.LayerWidth : block.OutputWidth;
            var norm = everyRow || inputs.Loss.Penalty.NeedsNorm ? DecoderGeometry.Norm(w, layer) : 0;

            var (active, sum) = Features(part, row, feature, block, norm, room, encoder, decoder, ref scalars);
            if (inputs.Code is not null) sum += SecondCode(part, row, feature, block, room, encoder, decoder, ref scalars);
            if (everyRow) sum += EveryRow(part, row, feature, block, encoder, norm, ref scalars);
            if (scalars.Norm != 0) DecoderGeometry.AddNormGradient(w, layer, (float)scalars.Norm, decoder);
            if (active > 0 && sink.Moves) pass._lastFired[feature] = inputs.Tokens;
            part.Totals = part.Totals.Plus(scalars);
            Store(feature, scalars);
            if (pass.Subtracts && sum != 0)
            {
                var through = part.ThroughInput.AsSpan(0, block.InputWidth);
                TensorPrimitives.MultiplyAdd(pass._parameters.Encoder[part.Block].Values.Row(row), (float)sum, through, through);
            }
            // Entries that only train the threshold leave both rows alone.
            if (active > 0 || inputs.Code is not null || everyRow || sink.WantsAll) sink.Feature(feature, part.Block, row, encoder, decoder);
        }

        /// <returns>Rows in which the feature is active, and Σ_b ∂L/∂(h · w_enc).</returns>
        private (int Active, double Sum) Features(
            Part part, int row, int feature, FeatureBlock block, double norm, Room room, Span<float> encoder, Span<float> decoder, ref FeatureScalars scalars)
        {
            var rows = inputs.Found.Rows(feature);
            var z = inputs.Found.Z(feature);
            room.Entries(rows.Length);
            Span<float> values = room.Values.AsSpan(0, rows.Length), byActivation = room.ByActivation.AsSpan(0, rows.Length), byProduct = room.ByProduct.AsSpan(0, rows.Length);
            var active = 0;
            for (var k = 0; k < rows.Length; k++)
            {
                values[k] = rule.Value(feature, z[k]);
                active += values[k] != 0 ? 1 : 0;
            }
            var prefix = 0;
            while (prefixes[prefix] <= feature) prefix++;
            var gradient = inputs.Decoded.Gradient(prefix).SliceColumns(block.OutputStart, block.OutputWidth);
            var w = pass._parameters.Decoder[part.Block].Values;
            EntryKernels.AddAndDot(gradient.Data, gradient.Stride, rows, values, w.Floats + (long)row * w.Columns, decoder, byActivation);
            scalars = rule.Backward(new FeatureEntries(feature, rows, z, byActivation, byProduct, norm), inputs.Loss);
            return (active, AddInputs(block, rows, byProduct, encoder));
        }

        private double SecondCode(
            Part part, int row, int feature, FeatureBlock block, Room room, Span<float> encoder, Span<float> decoder, ref FeatureScalars scalars)
        {
            var rows = inputs.Auxiliary!.Rows(feature);
            var z = inputs.Auxiliary.Z(feature);
            if (rows.Length == 0) return 0;
            room.Entries(rows.Length);
            Span<float> values = room.Values.AsSpan(0, rows.Length), byActivation = room.ByActivation.AsSpan(0, rows.Length), byProduct = room.ByProduct.AsSpan(0, rows.Length);
            if (inputs.Code!.TrainsDecoder) z.CopyTo(values);
            else values.Clear();
            var gradient = inputs.Decoded.AuxiliaryGradient.SliceColumns(block.OutputStart, block.OutputWidth);
            var w = pass._parameters.Decoder[part.Block].Values;
            EntryKernels.AddAndDot(gradient.Data, gradient.Stride, rows, values, w.Floats + (long)row * w.Columns, decoder, byActivation);
            scalars = scalars.Plus(rule.BackwardAuxiliary(new FeatureEntries(feature, rows, z, byActivation, byProduct, 0), inputs.Loss));
            return AddInputs(block, rows, byProduct, encoder);
        }

        /// <summary>The part of ∂L/∂(h · w_enc) that is the same in all rows, and the loss that goes with it.</summary>
        private double EveryRow(Part part, int row, int feature, FeatureBlock block, Span<float> encoder, double norm, ref FeatureScalars scalars)
        {
            ReadOnlySpan<float> sums = inputs.InputSums.AsSpan(block.InputStart, block.InputWidth);
            var count = inputs.Loss.Rows;
            TensorPrimitives.MultiplyAdd(sums, (float)scalars.EveryRow, encoder, encoder);
            var z = TensorPrimitives.Dot<float>(sums, pass._parameters.Encoder[part.Block].Values.Row(row)) + (double)count * pass._parameters.EncoderBias.Values.AsSpan()[feature];
            var weighted = inputs.Loss.PreActivation / count * (scalars.PreActivation - z);
            scalars.Norm += weighted;
            scalars.PreActivation = weighted * norm;
            return scalars.EveryRow * count;
        }

        /// <summary>encoder += Σ_k byProduct[k] · h[rows[k]].</summary>
        private double AddInputs(FeatureBlock block, ReadOnlySpan<int> rows, Span<float> byProduct, Span<float> encoder)
        {
            var h = inputs.Inputs.SliceColumns(block.InputStart, block.InputWidth);
            EntryKernels.Add(h.Data, h.Stride, rows, byProduct, encoder);
            double sum = 0;
            foreach (var value in byProduct) sum += value;
            return sum;
        }

        private void Store(int feature, in FeatureScalars scalars)
        {
            pass.Bias[feature] = (float)scalars.Bias;
            pass.Threshold[feature] = (float)scalars.Threshold;
            pass.MagnitudeBias[feature] = (float)scalars.MagnitudeBias;
            pass.MagnitudeLog[feature] = (float)scalars.MagnitudeLog;
        }
    }
}

/// <summary>Losses of features, summed.</summary>
internal readonly record struct FeatureTotals(double ActivationPenalty, double NextPower, double Frequency, double PreActivation, long InWindow)
{
    public FeatureTotals Plus(in FeatureScalars feature) => new(
        ActivationPenalty + feature.ActivationPenalty, NextPower + feature.NextPower, Frequency + feature.Frequency,
        PreActivation + feature.PreActivation, InWindow + feature.InWindow);

    public FeatureTotals Plus(in FeatureTotals other) => new(
        ActivationPenalty + other.ActivationPenalty, NextPower + other.NextPower, Frequency + other.Frequency,
        PreActivation + other.PreActivation, InWindow + other.InWindow);
}

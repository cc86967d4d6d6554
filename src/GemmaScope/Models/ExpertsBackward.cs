using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The derivatives of <see cref="ExpertsPass"/>: through the chosen experts, and through the shares that the router gives them. The
/// choice itself has no derivative.</summary>
internal readonly struct ExpertsBackward(
    GemmaConfig config,
    ExpertWeights weights,
    int layer,
    Workspace workspace,
    SavedActivations saved,
    GradientTaps taps,
    Arithmetic arithmetic,
    CancellationToken cancellationToken
)
{
    private readonly ExpertShape _shape = config.Experts!.Value;

    /// <summary>What it needs of a run, beside the inputs of norms.</summary>
    public static IReadOnlyList<SiteKind> Needed { get; } =
    [SiteKind.RouterProbs, SiteKind.RouterTopK, SiteKind.RouterWeights, SiteKind.ExpertGatePre, SiteKind.ExpertUp, SiteKind.ExpertOut];

    /// <summary>residual += gradient through the experts and the router.</summary>
    /// <param name="combined">[tokens, d] gradient at the sum of dense MLP and experts.</param>
    /// <param name="residual">[tokens, d].</param>
    public void Add(MatrixView combined, MatrixView residual)
    {
        var tokens = combined.Rows;
        var output = Buffer("experts", tokens, config.Width);
        for (var i = 0; i < tokens; i++)
            combined.Row(i).CopyTo(output.Row(i));
        taps.At(SiteKind.ExpertsOut, layer, output);
        Workers.For(tokens, new GainRow(output, weights.PostGain));
        Workers.For(tokens, new NormalizeBackwardRow(Saved(SiteKind.ExpertsOutRaw), config.NormEpsilon, output));
        taps.At(SiteKind.ExpertsOutRaw, layer, output);

        var shares = Buffer("expert shares", tokens, _shape.Active);
        var each = Buffer("expert rows", tokens, _shape.Active * config.Width);
        Workers.For(tokens, new SplitRow(output, Saved(SiteKind.ExpertOut), Saved(SiteKind.RouterWeights), shares, each));
        taps.At(SiteKind.ExpertOut, layer, each);
        Experts(each, residual);
        Router(shares, residual);
    }

    /// <summary>residual += gradient through norm and experts.</summary>
    /// <param name="each">[tokens, k · d] gradients at the experts' outputs.</param>
    /// <param name="residual">[tokens, d].</param>
    private void Experts(MatrixView each, MatrixView residual)
    {
        var (tokens, width) = (each.Rows, _shape.Active * _shape.Width);
        var slots = new ExpertSlots(Saved(SiteKind.RouterTopK), _shape.Count);
        var (bySlot, sorted) = (Slots(each, config.Width), Buffer("expert inputs", slots.Count, config.Width));
        Sort(slots, bySlot, sorted);
        var (gate, up) = (Buffer("expert gate", tokens, width), Buffer("expert up", tokens, width));
        var (sortedGate, sortedUp) = (Buffer("sorted gate", slots.Count, _shape.Width), Buffer("sorted up", slots.Count, _shape.Width));
        foreach (var (expert, start, count) in slots.Groups)
            Compute.Kernels.Multiply(
                sorted.SliceRows(start, count),
                weights.Down(expert).Transposed,
                sortedGate.SliceRows(start, count),
                arithmetic
            );
        cancellationToken.ThrowIfCancellationRequested();
        Unsort(slots, sortedGate, Slots(gate, _shape.Width));
        taps.At(SiteKind.ExpertActProduct, layer, gate);
        Workers.For(tokens, new GateBackwardRow(Saved(SiteKind.ExpertGatePre), Saved(SiteKind.ExpertUp), gate, up));
        taps.At(SiteKind.ExpertUp, layer, up);
        taps.At(SiteKind.ExpertGatePre, layer, gate);
        Sort(slots, Slots(gate, _shape.Width), sortedGate);
        Sort(slots, Slots(up, _shape.Width), sortedUp);

        var (input, product) = (Buffer("experts", tokens, config.Width), Buffer("expert product", slots.Count, config.Width));
        foreach (var (expert, start, count) in slots.Groups)
        {
            var part = sorted.SliceRows(start, count);
            Compute.Kernels.Multiply(sortedGate.SliceRows(start, count), weights.Gate(expert).Transposed, part, arithmetic);
            var second = product.SliceRows(start, count);
            Compute.Kernels.Multiply(sortedUp.SliceRows(start, count), weights.Up(expert).Transposed, second, arithmetic);
            Workers.For(count, new AddRow(second, part));
        }
        for (var i = 0; i < tokens; i++)
            input.Row(i).Clear();
        for (var place = 0; place < slots.Count; place++)
        {
            var sum = input.Row(slots.At(place) / _shape.Active);
            TensorPrimitives.Add(sum, sorted.Row(place), sum);
        }
        taps.At(SiteKind.ExpertsIn, layer, input);
        AddNormed(input, weights.PreGain, residual);
    }

    /// <summary>residual += gradient through the router.</summary>
    /// <param name="shares">[tokens, k] gradients at the shares.</param>
    /// <param name="residual">[tokens, d].</param>
    private void Router(MatrixView shares, MatrixView residual)
    {
        taps.At(SiteKind.RouterWeights, layer, shares);
        var (chosen, probabilities) = (Saved(SiteKind.RouterTopK), Saved(SiteKind.RouterProbs));
        var logits = Buffer("router", shares.Rows, _shape.Count);
        for (var row = 0; row < shares.Rows; row++)
            Share(chosen.Row(row), probabilities.Row(row), shares.Row(row), logits.Row(row));
        taps.At(SiteKind.RouterProbs, layer, logits);
        Workers.For(logits.Rows, new SoftMaxBackwardRow(probabilities, logits));
        taps.At(SiteKind.RouterLogits, layer, logits);
        var input = Buffer("experts", shares.Rows, config.Width);
        Compute.Kernels.Multiply(logits, weights.Router.Transposed, input, arithmetic);
        taps.At(SiteKind.RouterIn, layer, input);
        AddNormed(input, weights.RouterGain, residual);
    }

    /// <summary>share_i = c_i p_i / S with S = Σ p over the chosen: dp_i = (c_i ds_i − Σ c_j ds_j p_j / S) / S.</summary>
    private void Share(ReadOnlySpan<float> chosen, ReadOnlySpan<float> probabilities, ReadOnlySpan<float> shares, Span<float> gradient)
    {
        double sum = 0,
            along = 0;
        for (var i = 0; i < chosen.Length; i++)
        {
            var expert = (int)chosen[i];
            sum += probabilities[expert];
            along += (double)weights.Scale[expert] * shares[i] * probabilities[expert];
        }
        gradient.Clear();
        for (var i = 0; i < chosen.Length; i++)
            gradient[(int)chosen[i]] += (float)((weights.Scale[(int)chosen[i]] * (double)shares[i] - along / sum) / sum);
    }

    private void AddNormed(MatrixView gradient, float[] gain, MatrixView residual)
    {
        Workers.For(gradient.Rows, new GainRow(gradient, gain));
        Workers.For(gradient.Rows, new NormalizeBackwardRow(Saved(SiteKind.ResidMid), config.NormEpsilon, gradient));
        Workers.For(gradient.Rows, new AddRow(gradient, residual));
    }

    private MatrixView Saved(SiteKind kind) => saved.Rows(new Site(kind, layer));

    private MatrixView Buffer(string name, int rows, int columns) => workspace.Buffer(name, rows, columns);

    /// <summary>[tokens, k · width] as [tokens · k, width].</summary>
    private unsafe MatrixView Slots(MatrixView rows, int width) => new(rows.Data, rows.Rows * _shape.Active, width, width);

    private static void Sort(ExpertSlots slots, MatrixView bySlot, MatrixView sorted)
    {
        for (var place = 0; place < slots.Count; place++)
            bySlot.Row(slots.At(place)).CopyTo(sorted.Row(place));
    }

    private static void Unsort(ExpertSlots slots, MatrixView sorted, MatrixView bySlot)
    {
        for (var place = 0; place < slots.Count; place++)
            sorted.Row(place).CopyTo(bySlot.Row(slots.At(place)));
    }

    /// <summary>The gradient at the weighted sum of a token → at each share and at each expert's output.</summary>
    private readonly record struct SplitRow(MatrixView Sum, MatrixView Outputs, MatrixView Weights, MatrixView Shares, MatrixView Each)
        : IJob
    {
        public void Run(int row)
        {
            var width = Sum.Columns;
            var sum = Sum.Row(row);
            for (var i = 0; i < Shares.Columns; i++)
            {
                Shares.Row(row)[i] = TensorPrimitives.Dot<float>(sum, Outputs.Row(row).Slice(i * width, width));
                TensorPrimitives.Multiply(sum, Weights.Row(row)[i], Each.Row(row).Slice(i * width, width));
            }
        }
    }
}

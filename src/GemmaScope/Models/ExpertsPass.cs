using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// The experts of one layer, which stand beside its dense MLP (Gemma 4): a router on the bare residual chooses for each token, and their
/// weighted outputs are normed and added. Tokens are grouped by expert: each chosen one is read once for all its tokens, the others are not
/// touched.
/// </summary>
internal readonly struct ExpertsPass(
    GemmaConfig config,
    ExpertWeights weights,
    int layer,
    Workspace workspace,
    RunHooks hooks,
    RunSequences sequences,
    Arithmetic arithmetic,
    CancellationToken cancellationToken
)
{
    private readonly ExpertShape _shape = config.Experts!.Value;

    /// <summary>sum += post_norm(Σ over the chosen experts of weight · expert(norm(residual))).</summary>
    /// <param name="residual">[rows, d] resid_mid.</param>
    /// <param name="sum">[rows, d] the dense branch.</param>
    public void Add(MatrixView residual, MatrixView sum)
    {
        var rows = residual.Rows;
        var normed = workspace.Buffer("normed", rows, config.Width);
        var (chosen, shares) = Route(residual, normed);
        Workers.For(rows, new NormRow(residual, weights.PreGain, config.NormEpsilon, normed));
        hooks.At(SiteKind.ExpertsIn, layer, normed, sequences);

        var output = workspace.Buffer("experts", rows, config.Width);
        // A listener sees all rows at once; otherwise rows go in blocks to bound memory.
        var block = Listened ? rows : Math.Min(rows, Workspace.MlpRows);
        for (var start = 0; start < rows; start += block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(block, rows - start);
            Run(
                normed.SliceRows(start, count),
                chosen.SliceRows(start, count),
                shares.SliceRows(start, count),
                output.SliceRows(start, count)
            );
        }
        hooks.At(SiteKind.ExpertsOutRaw, layer, output, sequences);
        Workers.For(rows, new NormRow(output, weights.PostGain, config.NormEpsilon, output));
        hooks.At(SiteKind.ExpertsOut, layer, output, sequences);
        Workers.For(rows, new AddRow(output, sum));
    }

    private bool Listened =>
        hooks.Listens(SiteKind.ExpertGatePre, layer)
        || hooks.Listens(SiteKind.ExpertUp, layer)
        || hooks.Listens(SiteKind.ExpertActProduct, layer)
        || hooks.Listens(SiteKind.ExpertOut, layer);

    /// <summary>The experts of each token, the likeliest first, and what their outputs are multiplied by: both [rows, k].</summary>
    private (MatrixView Chosen, MatrixView Shares) Route(MatrixView residual, MatrixView input)
    {
        var rows = residual.Rows;
        Workers.For(rows, new NormRow(residual, weights.RouterGain, config.NormEpsilon, input));
        hooks.At(SiteKind.RouterIn, layer, input, sequences);
        var probabilities = workspace.Buffer("router", rows, _shape.Count);
        Compute.Kernels.Multiply(input, weights.Router, probabilities, arithmetic);
        hooks.At(SiteKind.RouterLogits, layer, probabilities, sequences);
        for (var row = 0; row < rows; row++)
            Elementwise.SoftMax(probabilities.Row(row));
        hooks.At(SiteKind.RouterProbs, layer, probabilities, sequences);
        var chosen = workspace.Buffer("chosen experts", rows, _shape.Active);
        for (var row = 0; row < rows; row++)
            Choose(probabilities.Row(row), chosen.Row(row));
        hooks.At(SiteKind.RouterTopK, layer, chosen, sequences);
        var shares = workspace.Buffer("expert shares", rows, _shape.Active);
        for (var row = 0; row < rows; row++)
            Share(probabilities.Row(row), chosen.Row(row), shares.Row(row));
        hooks.At(SiteKind.RouterWeights, layer, shares, sequences);
        return (chosen, shares);
    }

    /// <summary>The likeliest experts, of equal ones the first.</summary>
    private static void Choose(ReadOnlySpan<float> probabilities, Span<float> chosen)
    {
        for (var i = 0; i < chosen.Length; i++)
        {
            var best = -1;
            for (var expert = 0; expert < probabilities.Length; expert++)
                if ((best < 0 || probabilities[expert] > probabilities[best]) && !chosen[..i].Contains(expert))
                    best = expert;
            chosen[i] = best;
        }
    }

    /// <summary>The probabilities of the chosen ones as parts of 1, times each expert's own factor.</summary>
    private void Share(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> chosen, Span<float> shares)
    {
        double sum = 0;
        for (var i = 0; i < chosen.Length; i++)
            sum += shares[i] = probabilities[Number(chosen[i])];
        for (var i = 0; i < chosen.Length; i++)
            shares[i] = (float)(shares[i] / sum) * weights.Scale[Number(chosen[i])];
    }

    /// <summary>An edit may have put anything there.</summary>
    private int Number(float chosen) =>
        chosen >= 0 && chosen < _shape.Count && chosen == MathF.Floor(chosen)
            ? (int)chosen
            : throw new ArgumentProblemException(
                $"was set to {chosen}; there are experts 0 to {_shape.Count - 1}",
                new Site(SiteKind.RouterTopK, layer).ToString()
            );

    /// <summary>output = Σ weight · expert(input), a block of rows.</summary>
    private void Run(MatrixView input, MatrixView chosen, MatrixView shares, MatrixView output)
    {
        var slots = new ExpertSlots(chosen, _shape.Count);
        var gathered = workspace.Buffer("expert inputs", slots.Count, config.Width);
        Workers.For(slots.Count, new GatherRow(slots, input, gathered));
        var (gate, up) = (
            workspace.Buffer("expert gate", slots.Count, _shape.Width),
            workspace.Buffer("expert up", slots.Count, _shape.Width)
        );
        var open = Listened;
        foreach (var (expert, start, count) in slots.Groups)
        {
            var (x, g, u) = (gathered.SliceRows(start, count), gate.SliceRows(start, count), up.SliceRows(start, count));
            if (open)
                Compute.Kernels.MultiplyEach(x, [new(weights.Gate(expert), g), new(weights.Up(expert), u)], arithmetic);
            else
                Compute.Kernels.MultiplyGated(x, weights.Gate(expert), weights.Up(expert), g, u, arithmetic);
        }
        if (open)
        {
            At(SiteKind.ExpertGatePre, gate, slots);
            At(SiteKind.ExpertUp, up, slots);
            Workers.For(slots.Count, new GateRow(gate, up));
            At(SiteKind.ExpertActProduct, gate, slots);
        }
        // The inputs are no longer needed.
        var written = gathered;
        foreach (var (expert, start, count) in slots.Groups)
            Compute.Kernels.Multiply(gate.SliceRows(start, count), weights.Down(expert), written.SliceRows(start, count), arithmetic);
        At(SiteKind.ExpertOut, written, slots);
        Workers.For(output.Rows, new CombineRow(slots, written, shares, output));
    }

    /// <summary>Listeners see a token's experts in the order of router_top_k: [rows, k · width].</summary>
    private unsafe void At(SiteKind kind, MatrixView sorted, ExpertSlots slots)
    {
        if (!hooks.Listens(kind, layer))
            return;
        var (active, width) = (_shape.Active, sorted.Columns);
        var seen = workspace.Buffer("expert rows", slots.Count / active, active * width);
        var bySlot = new MatrixView(seen.Data, slots.Count, width, width);
        for (var place = 0; place < slots.Count; place++)
            sorted.Row(place).CopyTo(bySlot.Row(slots.At(place)));
        hooks.At(kind, layer, seen, sequences);
        for (var place = 0; place < slots.Count; place++)
            bySlot.Row(slots.At(place)).CopyTo(sorted.Row(place));
    }

    private readonly record struct GatherRow(ExpertSlots Slots, MatrixView From, MatrixView To) : IJob
    {
        public void Run(int place) => From.Row(Slots.At(place) / Slots.Active).CopyTo(To.Row(place));
    }

    private readonly record struct CombineRow(ExpertSlots Slots, MatrixView Written, MatrixView Shares, MatrixView Output) : IJob
    {
        public void Run(int row)
        {
            var sum = Output.Row(row);
            sum.Clear();
            for (var i = 0; i < Slots.Active; i++)
                TensorPrimitives.MultiplyAdd(Written.Row(Slots.PlaceOf(row * Slots.Active + i)), Shares.Row(row)[i], sum, sum);
        }
    }
}

/// <summary>The pairs of token and chosen expert, sorted by expert: pair i of token t is slot t · k + i, and has a place in the order.</summary>
internal sealed class ExpertSlots
{
    private readonly int[] _slots,
        _places;

    /// <param name="chosen">[rows, k] numbers of experts.</param>
    /// <param name="experts">How many there are.</param>
    public ExpertSlots(MatrixView chosen, int experts)
    {
        Active = chosen.Columns;
        (_slots, _places) = (new int[chosen.Rows * Active], new int[chosen.Rows * Active]);
        var starts = new int[experts + 1];
        for (var slot = 0; slot < _slots.Length; slot++)
            starts[Expert(chosen, slot) + 1]++;
        var groups = new List<(int, int, int)>();
        for (var expert = 0; expert < experts; expert++)
        {
            if (starts[expert + 1] > 0)
                groups.Add((expert, starts[expert], starts[expert + 1]));
            starts[expert + 1] += starts[expert];
        }
        Groups = groups;
        for (var slot = 0; slot < _slots.Length; slot++)
            _slots[_places[slot] = starts[Expert(chosen, slot)]++] = slot;
    }

    /// <summary>Experts of a token.</summary>
    public int Active { get; }

    /// <summary>How many pairs there are.</summary>
    public int Count => _slots.Length;

    /// <summary>The experts that anyone chose, and which places are theirs.</summary>
    public IReadOnlyList<(int Expert, int Start, int Count)> Groups { get; }

    /// <summary>The slot at a place.</summary>
    public int At(int place) => _slots[place];

    /// <summary>The place of a slot.</summary>
    public int PlaceOf(int slot) => _places[slot];

    private int Expert(MatrixView chosen, int slot) => (int)chosen.Row(slot / Active)[slot % Active];
}

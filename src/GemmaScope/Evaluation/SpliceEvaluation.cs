using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>The sums of a set of dictionaries spliced together: the losses of each edited run, and what each dictionary met in the spliced
/// one.</summary>
public sealed class SpliceEvaluation
{
    private readonly Dictionary<SplicedRun, RunLosses> _runs;

    internal SpliceEvaluation(SpliceSet set, IReadOnlyList<SparseDictionary> dictionaries, IReadOnlyList<SplicedRun> runs)
    {
        Set = set;
        _runs = runs.ToDictionary(run => run, _ => new RunLosses());
        Inside = [.. set.Members.Select(member => new InsideSums(dictionaries[member].Width, dictionaries[member].OutputWidth))];
    }

    /// <summary>Which dictionaries.</summary>
    public SpliceSet Set { get; }

    /// <summary>The losses of each run made.</summary>
    public IReadOnlyDictionary<SplicedRun, RunLosses> Runs => _runs;

    /// <summary>For each dictionary of the set what it met in the run <see cref="SplicedRun.Spliced"/>.</summary>
    public IReadOnlyList<InsideSums> Inside { get; }

    internal void Merge(SpliceEvaluation other)
    {
        foreach (var (run, losses) in _runs)
            losses.Merge(other._runs[run]);
        for (var i = 0; i < Inside.Count; i++)
            Inside[i].Merge(other.Inside[i]);
    }

    internal void Visit(SumsState state)
    {
        foreach (var (run, losses) in _runs)
            state.Within($"{run}", losses.Visit);
        for (var i = 0; i < Inside.Count; i++)
            state.Within($"inside.{i}", Inside[i].Visit);
    }
}

/// <summary>Dictionaries spliced together.</summary>
/// <param name="Name">What the set is called in results.</param>
/// <param name="Members">Their places in the evaluator's list.</param>
public sealed record SpliceSet(string Name, IReadOnlyList<int> Members);

/// <summary>What a dictionary met in a run it was spliced into: with others before it these are not the clean activations.</summary>
public sealed class InsideSums(int width, int outputWidth)
{
    /// <summary>How well it reconstructed them.</summary>
    public ReconstructionSums Reconstruction { get; } = new(outputWidth);

    /// <summary>How sparsely.</summary>
    public SparsitySums Sparsity { get; } = new(width);

    internal void Add(EvaluationBatch batch, MatrixView x, SparseActivations features, MatrixView reconstruction)
    {
        for (var row = 0; row < batch.Rows; row++)
            if (batch.Counted[row])
                Reconstruction.Add(x.Row(row), reconstruction.Row(row));
        Sparsity.Add(features, batch.Counted);
    }

    internal void Merge(InsideSums other)
    {
        Reconstruction.Merge(other.Reconstruction);
        Sparsity.Merge(other.Sparsity);
    }

    internal void Visit(SumsState state)
    {
        state.Within("reconstruction", Reconstruction.Visit);
        state.Within("sparsity", Sparsity.Visit);
    }
}

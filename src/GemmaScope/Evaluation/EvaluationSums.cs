using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>All sums of an evaluation. Sums of parts of a text add up to those of the whole.</summary>
public sealed class EvaluationSums
{
    private long _tokens;

    internal EvaluationSums(IReadOnlyList<SparseDictionary> dictionaries, IReadOnlyList<SpliceSet> sets, IReadOnlyList<SplicedRun> runs)
    {
        Dictionaries = [.. dictionaries.Select(one => new DictionaryEvaluation(one.Width, one.OutputWidth))];
        Sets = [.. sets.Select(set => new SpliceEvaluation(set, dictionaries, runs))];
    }

    /// <summary>Tokens run, special ones included.</summary>
    public long Tokens => _tokens;

    /// <summary>Of each dictionary, on clean activations.</summary>
    public IReadOnlyList<DictionaryEvaluation> Dictionaries { get; }

    /// <summary>The clean run's losses; empty if no edited run was asked for.</summary>
    public RunLosses Clean { get; } = new();

    /// <summary>Of each set of dictionaries spliced together.</summary>
    public IReadOnlyList<SpliceEvaluation> Sets { get; }

    internal void CountTokens(int tokens) => _tokens += tokens;

    internal void Merge(EvaluationSums other)
    {
        _tokens += other._tokens;
        Clean.Merge(other.Clean);
        for (var i = 0; i < Dictionaries.Count; i++)
            Dictionaries[i].Merge(other.Dictionaries[i]);
        for (var i = 0; i < Sets.Count; i++)
            Sets[i].Merge(other.Sets[i]);
    }

    internal void Visit(SumsState state)
    {
        state.Count("tokens", ref _tokens);
        state.Within("clean", Clean.Visit);
        for (var i = 0; i < Dictionaries.Count; i++)
            state.Within($"dictionaries.{i}", Dictionaries[i].Visit);
        for (var i = 0; i < Sets.Count; i++)
            state.Within($"sets.{i}", Sets[i].Visit);
    }
}

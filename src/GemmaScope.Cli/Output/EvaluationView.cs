using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation as its outputs show it.</summary>
internal sealed record EvaluationView(
    string Model,
    IReadOnlyList<string> Names,
    IReadOnlyList<SparseDictionary> Dictionaries,
    EvaluationSums Sums
)
{
    /// <summary>log10 of density, in half decades.</summary>
    public static IReadOnlyList<double> DensityEdges { get; } = [.. Enumerable.Range(0, 15).Select(i => -7 + i / 2.0)];

    public const string LeftOut = "position 0 of each window (BOS), special tokens, the prefix of a chat";

    public long Counted => Sums.Dictionaries.Count == 0 ? 0 : Sums.Dictionaries[0].Reconstruction.Rows;

    public long Excluded => Sums.Tokens - Counted;

    public IEnumerable<(string Name, SparseDictionary Dictionary, DictionaryEvaluation Clean, SpliceEvaluation? Spliced)> Rows =>
        Names.Select(
            (name, i) =>
                (name, Dictionaries[i], Sums.Dictionaries[i], Sums.Sets.FirstOrDefault(set => set.Set.Members is [var only] && only == i))
        );

    public IEnumerable<SpliceEvaluation> Together => Sums.Sets.Where(set => set.Set.Members.Count > 1);

    public LossSums Clean => Sums.Clean.Total;

    public double DeltaLoss(SpliceEvaluation set, SplicedRun run = SplicedRun.Spliced) => set.Runs[run].Total.DeltaLoss(Clean);

    public double LossRecovered(SpliceEvaluation set) =>
        set.Runs[SplicedRun.Spliced].Total.LossRecovered(Clean, set.Runs[SplicedRun.ZeroAblated].Total);

    public static double KlScore(SpliceEvaluation set) =>
        set.Runs[SplicedRun.Spliced].Total.KlScore(set.Runs[SplicedRun.ZeroAblated].Total);
}

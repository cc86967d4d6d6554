using GemmaScope.Circuits;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>A feature that tells the two prompts of pairs apart.</summary>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Changed">Whether it is meant at the words in which the prompts differ, or at the words that both have.</param>
/// <param name="Effect">What its difference between the prompts adds to the lead of the answer, along all ways of the graph: the mean over
/// the pairs that features were found on.</param>
/// <param name="Fires">Share of these pairs in whose first prompt it fires there.</param>
/// <param name="FiresInOther">Share in whose other prompt it does.</param>
/// <param name="Label">What it is about, where a database knows it.</param>
public sealed record PairFeature(int Layer, int Feature, bool Changed, double Effect, double Fires, double FiresInOther, string? Label = null);

/// <summary>What turning features off does to the lead of the answer, on pairs that no feature was chosen by.</summary>
/// <param name="Mode">What stays as it was.</param>
/// <param name="Features">How many of the found features are turned off, where they fire; null for all that fire at the changed
/// words.</param>
/// <param name="Fired">How many of them fired, a prompt on average.</param>
/// <param name="Drop">The lead before minus after.</param>
/// <param name="RandomDrop">The same with as many random features that fire at the same kind of place; null with all.</param>
/// <param name="Flips">Share of the pairs in which the wrong answer then leads.</param>
/// <param name="RandomFlips">The same of the random ones, a mean over the draws.</param>
public sealed record PairEffect(
    InterventionMode Mode,
    int? Features,
    double Fired,
    MeanEstimate Drop,
    MeanEstimate? RandomDrop,
    double Flips,
    double? RandomFlips
);

/// <summary>The pairs of one case.</summary>
/// <param name="Name">Its name; empty where the file names none.</param>
/// <param name="Pairs">Number of pairs.</param>
/// <param name="Right">Pairs in which the model prefers the right answer after both prompts; only these are used.</param>
/// <param name="FoundOn">Pairs that features were found on.</param>
/// <param name="TestedOn">Pairs that they were tested on; their prompts are others.</param>
/// <param name="Lead">Lead of the answer after the first prompt, in logits before the cap, on these; null without any.</param>
/// <param name="OtherLead">Its lead after the other prompt.</param>
/// <param name="Replacement">Replacement score of the graphs that features were found in.</param>
/// <param name="Completeness">Completeness score of these.</param>
/// <param name="Features">The features found, the largest effect first.</param>
/// <param name="Effects">What turning them off does.</param>
public sealed record PairCase(
    string Name,
    int Pairs,
    int Right,
    int FoundOn,
    int TestedOn,
    MeanEstimate? Lead,
    MeanEstimate? OtherLead,
    MeanEstimate? Replacement,
    MeanEstimate? Completeness,
    IReadOnlyList<PairFeature> Features,
    IReadOnlyList<PairEffect> Effects
);

/// <summary>What <see cref="CircuitPairsJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder.</param>
/// <param name="Cases">Each case.</param>
public sealed record CircuitPairsResult(string Model, IReadOnlyList<string> Transcoders, IReadOnlyList<PairCase> Cases);

using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of knowledge found; a part is null where its file was not given.</summary>
public sealed record KnowledgeStudyResult() : StudyResult(KnowledgeStudyJob.Name)
{
    /// <summary>Probes of truth, and what the model says.</summary>
    public KnowledgeTruth? Truth { get; init; }

    /// <summary>Facts that are known and said.</summary>
    public KnowledgeFacts? Facts { get; init; }

    /// <summary>Names that are known and not.</summary>
    public KnowledgeEntities? Entities { get; init; }

    /// <summary>Probes of traits, one entry each.</summary>
    public required IReadOnlyList<KnowledgeTrait> Traits { get; init; }
}

/// <summary>Probes of truth, and what the model says.</summary>
/// <param name="Statements">How many statements there are.</param>
/// <param name="True">True ones among them.</param>
/// <param name="Negated">Negated ones.</param>
/// <param name="ByTopic">Whether probes were tested on other topics; else on other statements of the same ones.</param>
/// <param name="Topics">The topics.</param>
/// <param name="Points">The names of the points that were read.</param>
/// <param name="Cells">AUROC by layer, point and method.</param>
/// <param name="Choices">The probe of each part of the statements.</param>
/// <param name="Scores">The chosen probes, and what they have to be better than.</param>
/// <param name="Holds">Whether they tell true statements from false ones, better than words do and than a fit on shuffled labels.</param>
/// <param name="NegationHolds">Whether they do so with negated statements, none of which they were fitted on.</param>
/// <param name="Raw">Whether their probabilities can be believed as they come out of the fit.</param>
/// <param name="Calibrated">The same after a fit on held-out statements.</param>
/// <param name="Said">What the model says, against what it knows.</param>
/// <param name="Rows">Every statement.</param>
public sealed record KnowledgeTruth(
    int Statements,
    int True,
    int Negated,
    bool ByTopic,
    IReadOnlyList<string> Topics,
    IReadOnlyList<string> Points,
    IReadOnlyList<ProbeCell> Cells,
    IReadOnlyList<ProbeChoice> Choices,
    IReadOnlyList<TruthScore> Scores,
    bool Holds,
    bool NegationHolds,
    Calibration Raw,
    Calibration Calibrated,
    SaidAndKnown Said,
    IReadOnlyList<StatementReading> Rows
);

/// <summary>How well something tells true statements from false ones, on parts it was not fitted on: AUROC over all of them.</summary>
/// <param name="Name">What.</param>
/// <param name="Affirmed">On affirmed statements.</param>
/// <param name="Negated">On negated ones.</param>
public sealed record TruthScore(string Name, MeanEstimate? Affirmed, MeanEstimate? Negated);

/// <summary>What a model says of statements, against what a probe reads.</summary>
/// <param name="Mass">How much of the next token is one of the two answers, on average.</param>
/// <param name="Readable">Statements behind which that is enough for an answer.</param>
/// <param name="Yes">The share of them to which it says yes.</param>
/// <param name="Right">The share of them of which it says what is so.</param>
/// <param name="Table">The table.</param>
/// <param name="Compared">Statements of which the probe is sure and the answer readable.</param>
/// <param name="Discrepant">The share of them of which the model says another thing than the probe reads.</param>
/// <param name="ByChance">What that share would be if what is said and what is known had nothing to do with each other.</param>
/// <param name="ProbeRight">How often the probe is right where they differ: near 1, the model knows better than it says; near 0, the probe errs.</param>
/// <param name="Discrepancies">Those statements, the surest first.</param>
public sealed record SaidAndKnown(
    double Mass,
    int Readable,
    MeanEstimate? Yes,
    MeanEstimate? Right,
    IReadOnlyList<SaidKnownCell> Table,
    int Compared,
    MeanEstimate? Discrepant,
    MeanEstimate? ByChance,
    MeanEstimate? ProbeRight,
    IReadOnlyList<Discrepancy> Discrepancies
);

/// <summary>One cell of the table.</summary>
/// <param name="Known">true, false or unsure: what the probe reads.</param>
/// <param name="Said">yes, no or unreadable.</param>
/// <param name="Statements">How many there are.</param>
/// <param name="True">How many of them are true.</param>
public sealed record SaidKnownCell(string Known, string Said, int Statements, int True);

/// <summary>A statement of which the model says another thing than the probe reads.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Text">Itself, where that was asked for.</param>
/// <param name="IsTrue">Whether it is true.</param>
/// <param name="Known">How likely it is true by the probe.</param>
/// <param name="Said">How likely the model says yes, of yes and no.</param>
/// <param name="Confidence">How sure the less sure of the two is.</param>
public sealed record Discrepancy(string Id, string Topic, string? Text, bool IsTrue, double Known, double Said, double Confidence);

/// <summary>Everything that was read of a statement.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Text">Itself, where that was asked for.</param>
/// <param name="IsTrue">Whether it is true.</param>
/// <param name="IsNegated">Whether it is a negation.</param>
/// <param name="Known">How likely it is true by the probe.</param>
/// <param name="Said">How likely the model says yes, of yes and no.</param>
/// <param name="Mass">How much of the next token the two answers are.</param>
public sealed record StatementReading(
    string Id,
    string Topic,
    string? Text,
    bool IsTrue,
    bool IsNegated,
    double Known,
    double Said,
    double Mass
);

/// <summary>Facts that are known and said: by the rank of the answer's first token among those of all answers.</summary>
/// <param name="Facts">How many there are.</param>
/// <param name="Answers">Different first tokens of answers.</param>
/// <param name="Rank">Up to which rank an answer is known, and said.</param>
/// <param name="Known">The share of facts known: by the continuation of a plain text.</param>
/// <param name="KnownControl">The same of answers of other facts.</param>
/// <param name="Said">The share of facts said: by the continuation of the model's own turn.</param>
/// <param name="SaidControl">The same of answers of other facts.</param>
/// <param name="NotSaid">The share of known facts that are not said.</param>
/// <param name="NotKnown">The share of facts that are not known and said all the same.</param>
/// <param name="Rows">Every fact.</param>
public sealed record KnowledgeFacts(
    int Facts,
    int Answers,
    int Rank,
    MeanEstimate? Known,
    MeanEstimate? KnownControl,
    MeanEstimate? Said,
    MeanEstimate? SaidControl,
    MeanEstimate? NotSaid,
    MeanEstimate? NotKnown,
    IReadOnlyList<FactReading> Rows
);

/// <summary>Everything that was read of a fact.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Text">Subject and answer, where that was asked for.</param>
/// <param name="Known">In a plain text.</param>
/// <param name="Said">In the model's own turn.</param>
public sealed record FactReading(string Id, string Topic, string? Text, AnswerRank Known, AnswerRank Said);

/// <summary>Where the first token of an answer stands.</summary>
/// <param name="Rank">Among the first tokens of all answers, from 1.</param>
/// <param name="VocabularyRank">Among all tokens.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="ControlRank">The rank of another fact's answer in the same place.</param>
public sealed record AnswerRank(int Rank, int VocabularyRank, double Probability, int ControlRank);

/// <summary>Names that are known and not.</summary>
/// <param name="Known">How many known names there are.</param>
/// <param name="Unknown">How many unknown ones.</param>
/// <param name="Source">Who decided: the file, or facts that the model knows.</param>
/// <param name="Frequencies">Where frequencies are from.</param>
/// <param name="Pairs">Pairs of tested names that match.</param>
/// <param name="Before">How far tested names differ in what is no knowledge; null where there is nothing to compare.</param>
/// <param name="After">The same of the matched ones.</param>
/// <param name="Layers">The direction of each layer.</param>
/// <param name="Scores">What separates them, on names that made and chose nothing.</param>
/// <param name="Steered">What steering does to the likelihood of not knowing.</param>
/// <param name="Rows">Every name.</param>
public sealed record KnowledgeEntities(
    int Known,
    int Unknown,
    string Source,
    string Frequencies,
    int Pairs,
    NameDifference? Before,
    NameDifference? After,
    IReadOnlyList<EntityLayer> Layers,
    IReadOnlyList<EntityScore> Scores,
    IReadOnlyList<EntitySteering> Steered,
    IReadOnlyList<EntityReading> Rows
);

/// <summary>The direction of a layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Selected">AUROC by which it is chosen, among the names that made directions, in two halves.</param>
/// <param name="Tested">AUROC on the other half of the names.</param>
public sealed record EntityLayer(int Layer, double? Selected, double? Tested);

/// <summary>How well something separates known from unknown names.</summary>
/// <param name="Name">What: a direction, a feature, or what is no knowledge.</param>
/// <param name="Feature">The feature; null where it is none.</param>
/// <param name="Side">known or unknown: where it is larger, as seen on the names that chose it.</param>
/// <param name="Selected">AUROC on the names that chose it.</param>
/// <param name="Unmatched">AUROC on all tested names.</param>
/// <param name="Matched">The same on matched ones.</param>
public sealed record EntityScore(string Name, int? Feature, string Side, double? Selected, MeanEstimate? Unmatched, MeanEstimate? Matched);

/// <summary>What steering towards one side does to tested names of the other.</summary>
/// <param name="Edit">What is done.</param>
/// <param name="Towards">unknown or known.</param>
/// <param name="IsControl">Whether it is random.</param>
/// <param name="Phrase">The change of log p that a reply begins with the words of not knowing.</param>
/// <param name="Words">The share of replies with such words; null where none were written.</param>
/// <param name="WordsBefore">The same of the unedited model.</param>
public sealed record EntitySteering(
    string Edit,
    string Towards,
    bool IsControl,
    MeanEstimate? Phrase,
    MeanEstimate? Words,
    MeanEstimate? WordsBefore
);

/// <summary>Everything that was read of a name.</summary>
/// <param name="Id">Its name in the file.</param>
/// <param name="Text">Itself, where that was asked for.</param>
/// <param name="IsKnown">Whether it is known.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Frequency">How common it is, as a logarithm.</param>
/// <param name="IsTested">Whether it is one of those that chose nothing.</param>
/// <param name="IsMatched">Whether it has a partner.</param>
/// <param name="Score">Its score by the chosen direction.</param>
public sealed record EntityReading(
    string Id,
    string? Text,
    bool IsKnown,
    int Tokens,
    double Frequency,
    bool IsTested,
    bool IsMatched,
    double Score
);

/// <summary>A probe of a trait under shifts of style.</summary>
/// <param name="Trait">The trait.</param>
/// <param name="Texts">Texts of both kinds.</param>
/// <param name="Tested">Those that the probe was tested on.</param>
/// <param name="Layer">The layer, chosen among the texts that it was fitted on.</param>
/// <param name="Point">The point.</param>
/// <param name="Words">AUROC of a bag of words, on plain texts.</param>
/// <param name="ByLayer">AUROC on plain texts by layer, at that point.</param>
/// <param name="Shifts">Each style held out.</param>
/// <param name="Verdict">What it is worth.</param>
public sealed record KnowledgeTrait(
    string Trait,
    int Texts,
    int Tested,
    int Layer,
    string Point,
    double? Words,
    IReadOnlyList<double?> ByLayer,
    IReadOnlyList<StyleShift> Shifts,
    string Verdict
)
{
    /// <summary>Styles under which the probe no longer tells the two kinds apart.</summary>
    public IReadOnlyList<string> Dies { get; } = [.. Shifts.Where(shift => !shift.Survives).Select(shift => shift.Style)];
}

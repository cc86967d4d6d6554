using GemmaScope.Behaviour.Knowledge;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="KnowledgeStudyJob"/> does: the parts whose files are given.</summary>
public sealed record KnowledgeStudyJobOptions : StudyJobOptions
{
    /// <summary>Files of statements (<see cref="Statement.Read"/>), for probes of truth.</summary>
    public IReadOnlyList<string> Statements { get; init; } = [];

    /// <summary>A file of facts (<see cref="Fact.Read"/>): true and false statements are made of it, and what is known is compared with what is
    /// said; null for none.</summary>
    public string? Facts { get; init; }

    /// <summary>A file of names (<see cref="Entity.Read"/>), known and unknown; those of which it does not say are known if their fact is. Null for
    /// none.</summary>
    public string? Entities { get; init; }

    /// <summary>A file of texts that show a trait and texts that do not: JSON lines with text, trait and polarity, or with text and label. Null for
    /// none.</summary>
    public string? Contrast { get; init; }

    /// <summary>The traits of that file; empty for all.</summary>
    public IReadOnlyList<string> Traits { get; init; } = [];

    /// <summary>What is asked before a statement, which follows it at once.</summary>
    public string Question { get; init; } = "Is this statement true? Answer Yes or No. ";

    /// <summary>The answer that means true, a word of one token.</summary>
    public string Yes { get; init; } = "Yes";

    /// <summary>The answer that means false.</summary>
    public string No { get; init; } = "No";

    /// <summary>A fact is known if its answer is among so many of all answers, by what is most likely next.</summary>
    public int KnownRank { get; init; } = 1;

    /// <summary>What is asked about a name, which follows it at once.</summary>
    public string EntityQuestion { get; init; } = "Tell me about ";

    /// <summary>How sure a probe has to be of a statement, for it to count as a discrepancy: from ½ to 1.</summary>
    public double Confidence { get; init; } = 0.75;

    /// <summary>Shuffles of the labels of each shift of style.</summary>
    public int Permutations { get; init; } = 200;

    /// <summary>Features of each dictionary on either side that are tried.</summary>
    public int Features { get; init; } = 5;

    /// <summary>Random directions, or sets of features, beside each steering.</summary>
    public int Controls { get; init; } = 3;

    /// <summary>Tokens of a reply to a steered question; 0: no replies are written.</summary>
    public int MaxTokens { get; init; } = 24;

    /// <summary>What is done to every batch: a model made of this one, of which the truth is known. Tests plant with it.</summary>
    internal BatchEdits? Organism { get; init; }

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        if (Statements.Count == 0 && Facts is null && Entities is null && Contrast is null)
            throw new ArgumentProblemException(
                "there is nothing to study; give a file of statements, facts, entities or contrasts",
                new Setting(nameof(Statements))
            );
        Require(KnownRank, 1, nameof(KnownRank));
        Require(Permutations, 1, nameof(Permutations));
        Require(Features, 1, nameof(Features));
        Require(Controls, 0, nameof(Controls));
        Require(MaxTokens, 0, nameof(MaxTokens));
        if (Confidence is not (>= 0.5 and < 1))
            throw new ArgumentProblemException("must be at least 0.5 and below 1", new Setting(nameof(Confidence)));
    }
}

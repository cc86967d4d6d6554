using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What the files of a study of knowledge hold.</summary>
internal sealed class KnowledgeSets
{
    public KnowledgeSets(KnowledgeStudyJobOptions options)
    {
        Facts = options.Facts is { } facts ? Fact.Read(facts) : [];
        Statements = [.. options.Statements.SelectMany(Statement.Read), .. Statement.Of(Facts, options.Seed)];
        Entities = options.Entities is { } entities ? Entity.Read(entities) : [];
        Traits = ContrastStudy.Sets(options);
        if (Entities.Any(one => one.Known is null) && Facts.Count == 0)
            throw new ArgumentProblemException(
                "there are names of which the file does not say whether they are known ('known')",
                new Setting(nameof(options.Entities)),
                new Remedy($"or give the facts by which that is decided with {new Setting(nameof(options.Facts))}")
            );
    }

    public IReadOnlyList<Statement> Statements { get; }

    public IReadOnlyList<Fact> Facts { get; }

    public IReadOnlyList<Entity> Entities { get; }

    public IReadOnlyList<LabelledSet> Traits { get; }
}

/// <summary>One study of knowledge, part by part.</summary>
internal sealed class KnowledgeStudyRun(
    Microscope microscope,
    KnowledgeSets sets,
    KnowledgeStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    public KnowledgeStudyResult Measure()
    {
        var model = microscope.Model;
        List<string> missing = [];
        var truth =
            sets.Statements.Count == 0
                ? null
                : new TruthStudy(model, options, folder, progress, cancellationToken).Measure(sets.Statements);
        var facts = sets.Facts.Count == 0 ? null : new FactStudy(model, options, folder, progress, cancellationToken).Measure(sets.Facts);
        var entities = sets.Entities.Count == 0 ? null : Entities(facts, missing);
        var traits = new ContrastStudy(model, options, folder, progress, cancellationToken).Measure(sets.Traits);
        return new()
        {
            Model = microscope.ModelName,
            Files =
            [
                .. ((string?[])[.. options.Statements, options.Facts, options.Entities, options.Contrast])
                    .OfType<string>()
                    .Select(path => Path.GetFileName(path))
                    .Distinct(),
            ],
            Findings = [.. KnowledgeSummary.Findings(truth, facts, entities, traits)],
            NotShown = [.. KnowledgeSummary.NotShown(options, truth, facts, entities, traits), .. missing],
            Seed = options.Seed,
            Truth = truth,
            Facts = facts,
            Entities = entities,
            Traits = traits,
        };
    }

    private KnowledgeEntities? Entities(KnowledgeFacts? facts, List<string> missing)
    {
        var (names, why) = EntityStudy.Decided(sets.Entities, facts, sets.Facts);
        if (why is null)
            return new EntityStudy(microscope, options, folder, progress, cancellationToken).Measure(
                names,
                sets.Entities.All(one => one.Known is not null) ? "the file"
                    : sets.Entities.Any(one => one.Known is not null) ? "the file, and facts that the model knows"
                    : "facts that the model knows"
            );
        progress.Note(why);
        missing.Add(why);
        return null;
    }
}

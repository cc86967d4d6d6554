using System.Text.Json.Serialization;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What a text says about dictionaries. Numbers that are not defined are NaN, and null in JSON.</summary>
public sealed class EvaluateResult
{
    internal EvaluateResult(Microscope microscope, EvaluationSums sums, long skippedRows)
    {
        SkippedRows = skippedRows;
        var (names, clean) = (microscope.DictionaryNames, sums.Clean);
        Model = microscope.ModelName;
        Warnings = DictionaryNotes.Of(microscope.Checks);
        Tokens = sums.Tokens;
        CountedTokens = sums.Dictionaries.Count == 0 ? 0 : sums.Dictionaries[0].Reconstruction.Rows;
        (Predictions, CeClean) = (clean.Total.Predictions(), clean.Total.CrossEntropy());
        Dictionaries =
        [
            .. microscope.Dictionaries.Select(
                (dictionary, i) => new EvaluatedDictionary(names[i], dictionary, sums.Dictionaries[i], SpliceOf(sums, i), clean)
            ),
        ];
        Together = [.. sums.Sets.Where(set => set.Set.Members.Count > 1).Select(set => new SplicedTogether(names, set, clean.Total))];
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>What the checks of the dictionaries have found, a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Tokens run.</summary>
    public long Tokens { get; }

    /// <summary>Rows of the text that were left out because they cannot be read.</summary>
    public long SkippedRows { get; }

    /// <summary>Those that count.</summary>
    public long CountedTokens { get; }

    /// <summary>Those that do not.</summary>
    public long ExcludedTokens => Tokens - CountedTokens;

    /// <summary>Which these are.</summary>
    public string Excluded { get; } = "position 0 of each window (BOS), special tokens, the prefix of a chat";

    /// <summary>Predictions of the clean run that count; 0 where losses were not measured.</summary>
    public long Predictions { get; }

    /// <summary>Their mean cross-entropy in nats.</summary>
    public double CeClean { get; }

    /// <summary>Each dictionary.</summary>
    public IReadOnlyList<EvaluatedDictionary> Dictionaries { get; }

    /// <summary>All dictionaries of one site spliced in at once, where that was asked for.</summary>
    public IReadOnlyList<SplicedTogether> Together { get; }

    private static SpliceEvaluation? SpliceOf(EvaluationSums sums, int dictionary) =>
        sums.Sets.FirstOrDefault(set => set.Set.Members is [var only] && only == dictionary);
}

/// <summary>A dictionary over a text (METHODS §2.9). What splicing costs is null where it was not spliced in.</summary>
public sealed class EvaluatedDictionary
{
    private const double Dense = 0.1;

    internal EvaluatedDictionary(
        string name,
        SparseDictionary dictionary,
        DictionaryEvaluation sums,
        SpliceEvaluation? spliced,
        RunLosses clean
    )
    {
        (Name, Family, Width, Outputs) = (name, dictionary.Family, dictionary.Width, dictionary.OutputSites);
        InputSites = [.. dictionary.InputSites.Select(site => $"{site}")];
        OutputSites = [.. dictionary.OutputSites.Select(site => $"{site}")];
        Reconstruction = new(sums.Reconstruction, sums.Sparsity);
        (Uniformity, DeadFeatures, DenseFeatures) = (sums.Uniformity.Mean, sums.Sparsity.Dead, sums.Sparsity.DenserThan(Dense));
        DensityHistogram = new(DensityHistogram.Edges, sums.Sparsity.DensityHistogram(DensityHistogram.Edges));
        Compatibility = new(sums.Tutorial.TutorialVarianceExplained, sums.Sparsity.TutorialL0, sums.SaeLensLegacyExplainedVariance);
        if (spliced is not null)
        {
            Costs = new SpliceCosts(spliced, clean.Total);
            // At one site the run is the clean one up to there.
            if (dictionary.OutputSites.Count > 1)
                InsideSplicedRun = new(spliced.Inside[0].Reconstruction, spliced.Inside[0].Sparsity);
        }
        ByPosition =
        [
            .. sums.ByPosition.Select(
                (at, position) =>
                    new EvaluatedPosition(
                        position,
                        at.Reconstruction.Rows,
                        at.L0,
                        sums.FvuAt(position),
                        at.Reconstruction.MeanSquaredError,
                        at.Reconstruction.CosineSimilarity,
                        spliced?.Runs[SplicedRun.Spliced].ByPosition[position].DeltaLoss(clean.ByPosition[position])
                    )
            ),
        ];
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whose files it is made of.</summary>
    public string Family { get; }

    /// <summary>Features it has.</summary>
    public int Width { get; }

    /// <summary>The sites it reads.</summary>
    public IReadOnlyList<string> InputSites { get; }

    /// <summary>The sites it writes.</summary>
    public IReadOnlyList<string> OutputSites { get; }

    /// <summary>The same as places of the model.</summary>
    [JsonIgnore]
    public IReadOnlyList<Site> Outputs { get; }

    /// <summary>How well it reconstructs, and how sparsely.</summary>
    [JsonIgnore]
    public EvaluatedReconstruction Reconstruction { get; }

    /// <inheritdoc cref="EvaluatedReconstruction.L0"/>
    public double L0 => Reconstruction.L0;

    /// <inheritdoc cref="EvaluatedReconstruction.Fvu"/>
    public double Fvu => Reconstruction.Fvu;

    /// <inheritdoc cref="EvaluatedReconstruction.Ev"/>
    public double Ev => Reconstruction.Ev;

    /// <inheritdoc cref="EvaluatedReconstruction.Mse"/>
    public double Mse => Reconstruction.Mse;

    /// <inheritdoc cref="EvaluatedReconstruction.Cosine"/>
    public double Cosine => Reconstruction.Cosine;

    /// <inheritdoc cref="EvaluatedReconstruction.ReconstructionBias"/>
    public double ReconstructionBias => Reconstruction.ReconstructionBias;

    /// <summary>How evenly the loss depends on its active features.</summary>
    public double Uniformity { get; }

    /// <summary>Features that fired at no token that counts.</summary>
    public int DeadFeatures { get; }

    /// <summary>Features that fired at more than a tenth of them.</summary>
    public int DenseFeatures { get; }

    /// <summary>How often features fire.</summary>
    public DensityHistogram DensityHistogram { get; }

    /// <summary>Numbers by other formulas, only to compare with theirs.</summary>
    public OtherFormulas Compatibility { get; }

    /// <summary>What splicing it in costs, or null.</summary>
    [JsonIgnore]
    public SpliceCosts? Costs { get; }

    /// <inheritdoc cref="SpliceCosts.DeltaLoss"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DeltaLoss => Costs?.DeltaLoss;

    /// <inheritdoc cref="SpliceCosts.LossRecovered"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LossRecovered => Costs?.LossRecovered;

    /// <inheritdoc cref="SpliceCosts.KlScore"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? KlScore => Costs?.KlScore;

    /// <inheritdoc cref="SpliceCosts.Runs"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<EditedRun>? Runs => Costs?.Runs;

    /// <summary>What it met in the spliced run; only of a dictionary of several sites, whose first ones change the others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EvaluatedReconstruction? InsideSplicedRun { get; }

    /// <summary>The first positions of the windows.</summary>
    public IReadOnlyList<EvaluatedPosition> ByPosition { get; }
}

/// <summary>Dictionaries of one site that were spliced in at once.</summary>
public sealed class SplicedTogether
{
    internal SplicedTogether(IReadOnlyList<string> names, SpliceEvaluation set, LossSums clean)
    {
        (Name, Costs) = (set.Set.Name, new SpliceCosts(set, clean));
        Dictionaries = [.. set.Set.Members.Select(member => names[member])];
        InsideSplicedRun =
        [
            .. set.Inside.Select((inside, i) => new MemberOfSplice(Dictionaries[i], new(inside.Reconstruction, inside.Sparsity))),
        ];
    }

    /// <summary>What they are called together.</summary>
    [JsonIgnore]
    public string Name { get; }

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Dictionaries { get; }

    /// <summary>What splicing them in costs.</summary>
    [JsonIgnore]
    public SpliceCosts Costs { get; }

    /// <inheritdoc cref="SpliceCosts.DeltaLoss"/>
    public double DeltaLoss => Costs.DeltaLoss;

    /// <inheritdoc cref="SpliceCosts.LossRecovered"/>
    public double LossRecovered => Costs.LossRecovered;

    /// <inheritdoc cref="SpliceCosts.KlScore"/>
    public double KlScore => Costs.KlScore;

    /// <inheritdoc cref="SpliceCosts.Runs"/>
    public IReadOnlyList<EditedRun> Runs => Costs.Runs;

    /// <summary>What each met in the spliced run.</summary>
    public IReadOnlyList<MemberOfSplice> InsideSplicedRun { get; }
}

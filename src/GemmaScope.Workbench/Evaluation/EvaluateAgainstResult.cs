using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What changes where another form of a model takes its place on the same tokens. Numbers that are not defined are NaN, and null
/// in JSON.</summary>
public sealed class EvaluateAgainstResult
{
    internal EvaluateAgainstResult(Microscope microscope, string against, GemmaModel other, HostComparisonSums sums, long skippedRows)
    {
        (Model, Against, Tokens, SkippedRows) = (microscope.ModelName, against, sums.Tokens, skippedRows);
        (ModelWeights, AgainstWeights) = (Types(microscope.Model), Types(other));
        CountedTokens = sums.Residuals[0].Rows;
        Logits = sums.Logits.First.Predictions() > 0 ? new(sums.Logits) : null;
        Residuals = [.. sums.Residuals.Select((residual, layer) => new ComparedResidual(layer, residual))];
        var names = microscope.DictionaryNames;
        Dictionaries = [.. microscope.Dictionaries.Select((one, i) => new ComparedDictionary(names[i], one, sums.Dictionaries[i]))];

        static string[] Types(GemmaModel model) => [.. model.WeightTypes.Select(part => $"{part.Type}")];
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The types of its weights, most bytes first.</summary>
    public IReadOnlyList<string> ModelWeights { get; }

    /// <summary>The other's name.</summary>
    public string Against { get; }

    /// <summary>The types of its weights, most bytes first.</summary>
    public IReadOnlyList<string> AgainstWeights { get; }

    /// <summary>Tokens run.</summary>
    public long Tokens { get; }

    /// <summary>Rows of the text that were left out because they cannot be read.</summary>
    public long SkippedRows { get; }

    /// <summary>Those that count.</summary>
    public long CountedTokens { get; }

    /// <summary>Those that do not.</summary>
    public long ExcludedTokens => Tokens - CountedTokens;

    /// <summary>Logits and losses; null where they were not compared.</summary>
    public ComparedLogits? Logits { get; }

    /// <summary>The residual stream behind each layer.</summary>
    public IReadOnlyList<ComparedResidual> Residuals { get; }

    /// <summary>What each dictionary finds.</summary>
    public IReadOnlyList<ComparedDictionary> Dictionaries { get; }
}

/// <summary>The logits of two models, over the predictions whose both sides count.</summary>
public sealed class ComparedLogits
{
    internal ComparedLogits(LogitAgreement sums)
    {
        (Predictions, Ce, CeAgainst) = (sums.First.Predictions(), sums.First.CrossEntropy(), sums.Second.CrossEntropy());
        (DeltaLoss, Kl, TopAgreement) = (sums.Second.DeltaLoss(sums.First), sums.Second.Divergence(), sums.TopAgreement);
    }

    /// <summary>Predictions that count.</summary>
    public long Predictions { get; }

    /// <summary>The model's cross-entropy in nats.</summary>
    public double Ce { get; }

    /// <summary>The other's.</summary>
    public double CeAgainst { get; }

    /// <summary>What the other's is higher.</summary>
    public double DeltaLoss { get; }

    /// <summary>Mean KL(model ‖ other) in nats.</summary>
    public double Kl { get; }

    /// <summary>Share of predictions whose likeliest token is the same.</summary>
    public double TopAgreement { get; }
}

/// <summary>The residual stream x of a model and y of the other behind a layer.</summary>
public sealed class ComparedResidual
{
    internal ComparedResidual(int layer, ReconstructionSums sums)
    {
        (Layer, RelativeError) = (layer, Math.Sqrt(sums.MeanSquaredError / sums.MeanSquaredNorm));
        (Cosine, Fvu) = (sums.CosineSimilarity, sums.Fvu);
    }

    /// <summary>The layer.</summary>
    public int Layer { get; }

    /// <summary>√(Σ‖y − x‖² / Σ‖x‖²).</summary>
    public double RelativeError { get; }

    /// <summary>Mean cosine of x and y.</summary>
    public double Cosine { get; }

    /// <summary>Σ‖y − x‖² / Σ‖x − x̄‖²: the error beside what varies from token to token.</summary>
    public double Fvu { get; }
}

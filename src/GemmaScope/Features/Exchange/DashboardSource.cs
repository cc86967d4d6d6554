using GemmaScope.Features.Statistics;

namespace GemmaScope.Features.Exchange;

/// <summary>What the dashboards of one dictionary share: names, the corpus, and the words of its tokens.</summary>
public sealed record DashboardSource
{
    /// <summary>The model's name, e.g. <c>gemma-2-2b</c>.</summary>
    public required string Model { get; init; }

    /// <summary>The set of dictionaries this one belongs to, e.g. <c>gemmascope-res-16k</c>.</summary>
    public required string Set { get; init; }

    /// <summary>The layer it reads.</summary>
    public required int Layer { get; init; }

    /// <summary>The hook it reads by its TransformerLens name, or null.</summary>
    public string? Hook { get; init; }

    /// <summary>Features of the dictionary; null where only those that are here are known of.</summary>
    public int? Width { get; init; }

    /// <summary>What the statistics were made over.</summary>
    public required FeatureCorpus Corpus { get; init; }

    /// <summary>Name of the text.</summary>
    public string Text { get; init; } = "";

    /// <summary>What tells this corpus from others of the same size and name: dictionaries of one corpus share its passages. Null where it
    /// belongs to one dictionary.</summary>
    public string? CorpusId { get; init; }

    /// <summary>The piece of each token id.</summary>
    public required IReadOnlyList<string> Pieces { get; init; }

    /// <summary>BOS, which is no part of an example that is written; null where examples have none.</summary>
    public int? Bos { get; init; }

    /// <summary>Padding, which is taken away from the end of examples; null where there is none.</summary>
    public int? Pad { get; init; }

    /// <summary>Name on Neuronpedia: layer and set, e.g. <c>20-gemmascope-res-16k</c>.</summary>
    public string Name => $"{Layer}-{Set}";

    /// <summary>The piece of a token, or its number where the vocabulary has none.</summary>
    public string Piece(int id) => (uint)id < (uint)Pieces.Count ? Pieces[id] : $"#{id}";
}

/// <summary>What someone says a feature is about.</summary>
/// <param name="Text">The label.</param>
/// <param name="Author">A person, or the model that wrote it.</param>
/// <param name="Method">How it was made, e.g. <c>oai_token-act-pair</c>, or null.</param>
/// <param name="Score">How well it predicts the activations, or null.</param>
/// <param name="ScoreKind">What the score measures, or null.</param>
/// <param name="Fuzzing">Of labels that were scored twice, by detection and by fuzzing, the second score; or null.</param>
/// <param name="Settings">What a label of ours was made and scored with, or null: the same text means that doing it again would give the
/// same.</param>
public sealed record FeatureLabel(
    string Text,
    string Author = "",
    string? Method = null,
    double? Score = null,
    string? ScoreKind = null,
    double? Fuzzing = null,
    string? Settings = null
)
{
    /// <summary>What <see cref="ScoreKind"/> says where the score is the balanced accuracy of detection.</summary>
    public const string DetectionScore = "detection";

    /// <summary>What <see cref="Fuzzing"/> is called where scores are listed by name.</summary>
    public const string FuzzingScore = "fuzzing";

    /// <summary>The order in which labels are shown: first those that nobody scored, which someone wrote by hand, then the best first; of
    /// equal ones as they came.</summary>
    public static IReadOnlyList<FeatureLabel> BestFirst(IEnumerable<FeatureLabel> labels) =>
        [.. labels.OrderByDescending(label => label.Score ?? label.Fuzzing ?? double.PositiveInfinity)];
}

/// <summary>A dashboard with its labels and, where it is known, its decoder vector.</summary>
/// <param name="Dashboard">The numbers.</param>
/// <param name="Labels">What it is said to be about.</param>
/// <param name="Vector">W_dec, or null.</param>
public sealed record LabelledDashboard(FeatureDashboard Dashboard, IReadOnlyList<FeatureLabel> Labels, IReadOnlyList<float>? Vector = null);

using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Features;

/// <summary>Settings of
/// <see cref="TextAnalyzer.Analyze(GemmaScope.Models.GemmaModel, GemmaScope.Dictionaries.SparseDictionary, GemmaScope.Text.Tokenizer, string, AnalyzeOptions?, IProgress{string}?, CancellationToken)"/>.</summary>
public sealed record AnalyzeOptions
{
    /// <summary>Strongest features reported for each token, from 0.</summary>
    public int TopPerToken { get; init; } = 5;

    /// <summary>Strongest features reported for the whole text, from 0.</summary>
    public int TopWholeText { get; init; } = 10;

    /// <summary>Most likely next tokens reported, from 0.</summary>
    public int NextTokens { get; init; } = 5;

    /// <summary>Whether a BOS is put in front, as the models expect; ignored where token ids are given.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>How the model runs; null for the process's choice. Dictionaries are always exact.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>Labels of the dictionary's features, or null.</summary>
    public FeatureLabels? Labels { get; init; }

    /// <summary>Says what is known of features of a dictionary, each time for all that fire in a text, or null where nothing is. What is known
    /// ranks the features: telling ones come first (<see cref="FeatureMeaning.Telling"/>).</summary>
    public Func<SparseDictionary, IReadOnlyCollection<int>, IReadOnlyDictionary<int, FeatureMeaning>?>? Meanings { get; init; }

    /// <summary>Whether the strongest activations come first whatever is known of the features.</summary>
    public bool ByActivation { get; init; }

    /// <summary>The model's name in reports and addresses; null for the name of its repository or folder.</summary>
    public string? ModelName { get; init; }
}

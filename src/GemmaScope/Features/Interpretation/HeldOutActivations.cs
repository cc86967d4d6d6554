using GemmaScope.Dictionaries;

namespace GemmaScope.Features.Interpretation;

/// <summary>Where some features fire in a held-out text: f &gt; 0 at tokens that count.</summary>
public sealed class HeldOutActivations
{
    private readonly Dictionary<int, List<Firing>> _firings;

    internal HeldOutActivations(HeldOutText text, IEnumerable<int> features) =>
        (Text, _firings) = (text, features.Distinct().ToDictionary(feature => feature, _ => new List<Firing>()));

    /// <summary>The text.</summary>
    public HeldOutText Text { get; }

    /// <summary>Adds a passage.</summary>
    /// <param name="passage">Its number; they come in their order.</param>
    /// <param name="activations">Features of a run.</param>
    /// <param name="row">The row of its first token.</param>
    internal void Add(int passage, SparseActivations activations, int row)
    {
        for (var position = 0; position < Text.Window; position++)
        {
            if (!Text.Counts(passage, position))
                continue;
            var indices = activations.Indices(row + position);
            var values = activations.Values(row + position);
            for (var i = 0; i < indices.Length; i++)
                if (values[i] > 0 && _firings.TryGetValue(indices[i], out var list))
                    list.Add(new Firing(passage, position, values[i]));
        }
    }

    /// <summary>The passages in which a feature fires, by number.</summary>
    /// <exception cref="ArgumentProblemException">The feature was not among those that were read.</exception>
    internal List<FiringPassage> Of(int feature)
    {
        if (!_firings.TryGetValue(feature, out var list))
            throw new ArgumentProblemException("was not among the features that the text was read for", $"feature {feature}");
        var found = new List<FiringPassage>();
        for (int start = 0, end; start < list.Count; start = end)
        {
            for (end = start; end < list.Count && list[end].Passage == list[start].Passage; )
                end++;
            found.Add(new FiringPassage(list[start].Passage, list.GetRange(start, end - start)));
        }
        return found;
    }
}

/// <summary>A token at which a feature fires.</summary>
internal readonly record struct Firing(int Passage, int Position, float Value);

/// <summary>A passage in which a feature fires.</summary>
internal sealed record FiringPassage(int Passage, IReadOnlyList<Firing> Firings)
{
    /// <summary>Largest activation.</summary>
    public float Max { get; } = Firings.Max(one => one.Value);
}

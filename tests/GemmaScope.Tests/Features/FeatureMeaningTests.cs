using GemmaScope.Dictionaries;
using GemmaScope.Features;
using Xunit;

namespace GemmaScope.Tests.Features;

/// <summary>Which features of a text are named first.</summary>
public class FeatureMeaningTests
{
    // Two tokens; feature 0 is strong everywhere, 1 rare and less strong, 2 rare with a label that hardly holds.
    private static readonly SparseActivations Features = new(4, [0, 3, 5], [0, 1, 2, 0, 3], [20f, 5f, 5f, 30f, 1f]);

    private static readonly Dictionary<int, FeatureMeaning> Known = new()
    {
        [0] = new("everything", 0.9, 0.9, 30),
        [1] = new("cats", 0.9, 0.001, 10),
        [2] = new("dogs", 0.51, 0.001, 10),
    };

    [Fact]
    public void an_activation_tells_by_density_by_its_own_scale_and_by_what_the_label_is_worth()
    {
        // f · ln(1 / density) / max · (2 · score − 1)
        Assert.Equal(5 * Math.Log(1000) / 10 * 0.8, Known[1].Telling(5, 5), 1e-12);
        Assert.Equal(0, new FeatureMeaning(null, null, 1, 3).Telling(3, 3), 1e-12);
        // One that fires stronger than ever before tells no more than one at its maximum.
        Assert.Equal(Known[1].Telling(10, 10), Known[1].Telling(40, 40), 1e-12);
        Assert.True(Known[0].IsDense && !Known[1].IsDense);
        // The sum over a text of what fires everywhere is large, whatever the text says.
        Assert.Equal(Known[0].Telling(60, 30) / 10, Known[0].TellingOfText(60, 30), 1e-12);
        Assert.Equal(Known[1].Telling(5, 5), Known[1].TellingOfText(5, 5), 1e-12);
    }

    [Fact]
    public void telling_features_come_first_with_their_activations_and_unknown_ones_last()
    {
        var telling = new FeatureRanking(Features, Known);
        Assert.Equal([(1, 5f), (2, 5f), (0, 20f)], telling.Top(0, 3).Select(one => (one.Feature, one.Value)));
        Assert.Equal([(0, 30f), (3, 1f)], telling.Top(1, 2).Select(one => (one.Feature, one.Value)));
        Assert.Equal([(1, 5f), (2, 5f)], telling.WholeText([0, 1], 2).Select(one => (one.Feature, one.Value)));
    }

    [Fact]
    public void where_nothing_is_known_the_strongest_come_first()
    {
        foreach (var known in (IReadOnlyDictionary<int, FeatureMeaning>?[])[null, new Dictionary<int, FeatureMeaning>()])
        {
            var ranking = new FeatureRanking(Features, known);
            Assert.False(ranking.IsTelling);
            Assert.Equal([0, 1], ranking.Top(0, 2).Select(one => one.Feature));
            Assert.Equal([0, 1], ranking.WholeText([0, 1], 2).Select(one => one.Feature));
        }
    }
}

using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>What a monitor watches: a direction at a site, or a feature of a dictionary, and when that ends a text.</summary>
public sealed record Watch
{
    private Watch(string name, Site site, float[]? vector, SparseDictionary? dictionary, int feature)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentProblemException("what is watched needs a name", "watch");
        (Name, Site, Vector, Dictionary, Feature) = (name, site, vector, dictionary, feature);
    }

    /// <summary>What its values are called.</summary>
    public string Name { get; }

    /// <summary>Where it is read, after all edits there.</summary>
    public Site Site { get; }

    /// <summary>The dictionary of a feature; null of a direction.</summary>
    public SparseDictionary? Dictionary { get; }

    /// <summary>The feature in its dictionary.</summary>
    public int Feature { get; }

    /// <summary>A text ends at the token whose value is above this; null: values are reported and end nothing.</summary>
    public double? StopAbove { get; init; }

    /// <summary>How many tokens in a row have to be above, from 1.</summary>
    public int Streak { get; init; } = 1;

    /// <summary>Whether only tokens count that the model wrote, and not those of the prompt.</summary>
    public bool OnlyWritten { get; init; }

    /// <summary>What rows are multiplied by; null of a feature.</summary>
    internal float[]? Vector { get; }

    /// <summary>Watches a direction.</summary>
    /// <param name="name">What its values are called.</param>
    /// <param name="site">Where: any site that has a row for each token.</param>
    /// <param name="vector">A vector as wide as the site.</param>
    /// <param name="isUnit">Whether the value is the projection on the direction, x · v / ‖v‖; else it is x · v.</param>
    /// <exception cref="ArgumentProblemException">The vector is zero or not finite.</exception>
    public static Watch Direction(string name, Site site, ReadOnlyMemory<float> vector, bool isUnit = true)
    {
        var unit = OrthonormalBasis.Of([vector])[0];
        return new(name, site, isUnit ? unit : vector.ToArray(), null, 0);
    }

    /// <summary>Watches a feature: its activation where its dictionary reads.</summary>
    /// <param name="name">What its values are called.</param>
    /// <param name="dictionary">The dictionary, which must outlive the monitor. One in which features compete (top-k) encodes each row as a
    /// whole.</param>
    /// <param name="feature">The feature.</param>
    /// <exception cref="ArgumentProblemException">There is no such feature, or the dictionary reads several sites.</exception>
    public static Watch OfFeature(string name, SparseDictionary dictionary, int feature)
    {
        if (dictionary.InputSites.Count != 1)
            throw new ArgumentProblemException("reads several sites; watching needs one that reads one", dictionary.Name);
        if ((uint)feature >= (uint)dictionary.Width)
            throw new ArgumentProblemException(
                $"{feature} is no feature of {dictionary.Name}, which has 0 to {dictionary.Width - 1}",
                "feature"
            );
        return new(name, dictionary.InputSite, null, dictionary, feature);
    }

    /// <summary>How wide its site must be.</summary>
    internal int Width => Vector?.Length ?? Dictionary!.InputWidth;
}

using System.Globalization;

namespace GemmaScope.Workbench;

/// <summary>Features named one by one and by ranges: <c>1,5,10-20</c>.</summary>
public sealed class FeatureChoice
{
    private readonly List<(int First, int Last)> _ranges = [];

    private FeatureChoice() { }

    /// <summary>These features.</summary>
    public static FeatureChoice Of(params IEnumerable<int> features)
    {
        var chosen = new FeatureChoice();
        chosen._ranges.AddRange(features.Select(feature => (feature, feature)));
        return chosen;
    }

    /// <summary>Reads numbers and ranges, between commas.</summary>
    /// <exception cref="ArgumentProblemException">It is something else.</exception>
    public static FeatureChoice Parse(string text)
    {
        var chosen = new FeatureChoice();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !Number(ends[0], out var first) || !Number(ends[^1], out var last) || last < first)
                throw new ArgumentProblemException(
                    $"'{part}' is no feature and no range; write e.g. 1,5,10-20",
                    new Setting(nameof(InterpretJobOptions.Features))
                );
            chosen._ranges.Add((first, last));
        }
        return chosen;
    }

    /// <summary>Whether a feature is among them.</summary>
    public bool Contains(int feature) => _ranges.Any(range => range.First <= feature && feature <= range.Last);

    /// <summary>Refuses features that a dictionary of this width does not have.</summary>
    /// <exception cref="ArgumentProblemException">There is one.</exception>
    internal void Require(int width)
    {
        foreach (var (first, last) in _ranges)
            if (first < 0 || last >= width)
                throw new ArgumentProblemException(
                    $"there is no feature {(first < 0 ? first : last)}; there are 0 to {width - 1}",
                    new Setting(nameof(InterpretJobOptions.Features))
                );
    }

    private static bool Number(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}

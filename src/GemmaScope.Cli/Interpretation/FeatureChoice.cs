using System.Globalization;

namespace GemmaScope.Cli.Interpretation;

/// <summary>Features named one by one and by ranges: <c>1,5,10-20</c>.</summary>
internal static class FeatureChoice
{
    /// <summary>The features, rising.</summary>
    /// <param name="text">Numbers and ranges, between commas.</param>
    /// <param name="width">Features there are.</param>
    /// <exception cref="ArgumentProblemException">It is something else, or names a feature that is not there.</exception>
    public static SortedSet<int> Parse(string text, int width)
    {
        var chosen = new SortedSet<int>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !Number(ends[0], out var first) || !Number(ends[^1], out var last) || last < first)
                throw new ArgumentProblemException($"'{part}' is no feature and no range; write e.g. 1,5,10-20", "--features");
            if (last >= width)
                throw new ArgumentProblemException($"there is no feature {last}; there are 0 to {width - 1}", "--features");
            for (var feature = first; feature <= last; feature++)
                chosen.Add(feature);
        }
        return chosen;
    }

    private static bool Number(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}

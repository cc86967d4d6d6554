using System.Text.Json;

namespace GemmaScope.Workbench.Html;

/// <summary>
/// A plot of a page: the server's drawing and the numbers behind it, of which plots.js draws the same again so that it answers whoever
/// points at it. The
/// numbers stand in a block that no browser runs.
/// </summary>
public static class PlotFigure
{
    /// <summary>A score from each of these on has a colour of its own; the style sheets have one more, for what lies below all.</summary>
    public static double[] ScoreSteps { get; } = [0.5, 0.6, 0.7, 0.8, 0.9];

    /// <summary>Bars over equal bins, none where there are no bins, with the way to their numbers for those who do not see them.</summary>
    /// <param name="plot">What it is called.</param>
    /// <param name="from">Where the first bin begins.</param>
    /// <param name="to">Where the last one ends.</param>
    /// <param name="counts">What each bin counts.</param>
    /// <param name="unit">Of what.</param>
    /// <param name="json">The address of the same numbers as data.</param>
    /// <param name="target">Attributes of the link to it.</param>
    public static Markup Bars(
        SvgPlot plot,
        double from,
        double to,
        IReadOnlyList<int> counts,
        string unit,
        string json,
        Markup target = default
    )
    {
        // Another program's file may come without.
        if (counts.Count == 0)
            return Markup.Empty;
        var drawing = plot.Bars(
            [.. Enumerable.Range(0, counts.Count + 1).Select(i => from + (to - from) * i / counts.Count)],
            counts,
            unit
        );
        var numbers = new
        {
            kind = "bars",
            title = plot.Title,
            x = plot.X,
            y = plot.Y,
            counts,
            unit,
        };
        return Figure(
            drawing,
            numbers,
            Markup.Of(
                $"<details class=\"numbers\"><summary>{plot.Title}: numbers</summary><p><a href=\"{json}\"{target}>as JSON</a></p></details>\n"
            )
        );
    }

    /// <summary>Points that lead somewhere. The script takes names and addresses from the drawing.</summary>
    /// <param name="plot">What it is called.</param>
    /// <param name="points">The points.</param>
    public static Markup Points(SvgPlot plot, IReadOnlyList<PlotPoint> points)
    {
        var drawing = plot.Points(points);
        var numbers = new
        {
            kind = "points",
            title = plot.Title,
            x = plot.X,
            y = plot.Y,
            steps = ScoreSteps,
            at = points.Select(point => (double[])[Math.Round(point.X, 4), Math.Round(point.Y, 4)]),
            score = points.Select(point => point.Score),
        };
        return Figure(
            drawing,
            numbers,
            !points.Any(point => point.Score is not null)
                ? Markup.Empty
                : Markup.Of(
                    $"""
                    <p class="note legend">score of the label {Enumerable.Range(0, ScoreSteps.Length + 1).Select(i =>
                        Markup.Of(
                            $"<span class=\"q{i}\">{(i == 0 ? Markup.Of($"below {ScoreSteps[0]}") : Markup.Of($"from {ScoreSteps[i - 1]}"))}</span> "
                        )
                    )}<span class="q">none</span></p>

                    """
                )
        );
    }

    /// <summary>The class of a score's colour.</summary>
    public static string ScoreClass(double? score) => score is { } value ? $"q{ScoreSteps.Count(step => value >= step)}" : "q";

    // The encoder of System.Text.Json writes < as an escape, so that no value can end the block.
    private static Markup Figure(string drawing, object numbers, Markup more) =>
        Markup.Of(
            $"""
            <figure class="plot">
            {Markup.Trusted(drawing)}<script type="application/json">{Markup.Trusted(
                JsonSerializer.Serialize(numbers, JsonSerializerOptions.Web)
            )}</script>
            {more}</figure>

            """
        );
}

using System.Globalization;
using System.Text;

namespace GemmaScope.Workbench.Html;

/// <summary>A point of a plot; the label is shown when it is pointed at.</summary>
public readonly record struct PlotPoint(double X, double Y, string Label)
{
    /// <summary>Where a click on it leads, or null.</summary>
    public string? Address { get; init; }

    /// <summary>What its colour says, or null.</summary>
    public double? Score { get; init; }

    /// <summary>Whether it has a place.</summary>
    public bool IsFinite => double.IsFinite(X) && double.IsFinite(Y);
}

/// <summary>A part of the axis to the right that has a name.</summary>
/// <param name="From">Where it begins.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Name">Its name, written where there is room for it.</param>
public readonly record struct PlotBand(double From, double To, string Name);

/// <summary>A small plot as inline SVG, with axes from the data: points, or bars that begin at zero.</summary>
public sealed class SvgPlot(
    string title,
    string xLabel,
    string yLabel,
    PlotScale xScale = PlotScale.Linear,
    PlotScale yScale = PlotScale.Linear
)
{
    private const double Height = 280,
        Left = 62,
        Right = 14,
        Top = 30,
        Bottom = 44;

    // Of a long title both ends are kept: dictionaries differ at their end.
    private const int LongestTitle = 48,
        TitleStart = 20,
        Many = 200;

    // The style sheet of a page has other ones for the dark; a drawing by itself has these.
    private static readonly string[] Colours =
    [
        "var(--one, #2563eb)",
        "var(--two, #b45309)",
        "var(--three, #047857)",
        "var(--four, #dc2626)",
        "var(--five, #7c3aed)",
        "var(--six, #0e7490)",
    ];

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private readonly StringBuilder _svg = new(8192);

    /// <summary>What it is called.</summary>
    public string Title => title;

    /// <summary>The axis to the right, once it is drawn.</summary>
    public PlotAxis? X { get; private set; }

    /// <summary>The axis upwards, once it is drawn.</summary>
    public PlotAxis? Y { get; private set; }

    /// <summary>How wide it is drawn.</summary>
    public double Width { get; init; } = 460;

    /// <summary>Parts of the axis to the right that have names.</summary>
    public IReadOnlyList<PlotBand> Bands { get; init; } = [];

    /// <summary>Radius of points that are not joined.</summary>
    public double Radius { get; init; } = 4.5;

    /// <summary>Whether both axes are shares, from 0 to 1 whatever the points are.</summary>
    public bool Shares { get; init; }

    /// <summary>Whether the axis upwards begins at 0, as that of shares and amounts has to.</summary>
    public bool FromZero { get; init; }

    /// <summary>Whether the points of a series are joined; clouds of points are not.</summary>
    public bool IsJoined { get; init; } = true;

    /// <summary>Whether the line of equal x and y is drawn for comparison.</summary>
    public bool Diagonal { get; init; }

    /// <summary>Points, joined in their order if asked.</summary>
    public string Points(IReadOnlyList<PlotPoint> points, bool joined = false)
    {
        PlotPoint[] shown = [.. points.Where(point => point.IsFinite)];
        if (shown.Length == 0)
            return "";
        Around(shown);
        if (Diagonal)
            _svg.Append(
                Invariant,
                $"<path d=\"M{new Rounded(Across(0), 1)} {new Rounded(Up(0), 1)}L{new Rounded(Across(1), 1)} {new Rounded(Up(1), 1)}\" stroke=\"currentColor\" stroke-opacity=\".35\" stroke-dasharray=\"4 4\"/>\n"
            );
        if (joined)
            Line(shown, Colours[0], ".5");
        var scored = shown.Any(point => point.Score is not null);
        // Where points lie upon each other it is seen how many.
        _svg.Append(Invariant, $"<g fill=\"{Colours[0]}\" fill-opacity=\"{(shown.Length > Many && !joined ? 0.65 : 1)}\">\n");
        foreach (var point in shown)
            Circle(point, joined ? 2 : Radius, scored ? $" class=\"{PlotFigure.ScoreClass(point.Score)}\"" : "");
        _svg.Append("</g>\n");
        return End();
    }

    /// <summary>Several rows of points, each joined in its order and named at the right, or single points, each named beside it.</summary>
    public string Series(IEnumerable<(string Name, IReadOnlyList<PlotPoint> Points)> series)
    {
        (string Name, PlotPoint[] Points)[] shown =
        [
            .. series.Select(one => (one.Name, one.Points.Where(point => point.IsFinite).ToArray())).Where(one => one.Item2.Length > 0),
        ];
        if (shown.Length == 0)
            return "";
        Around([.. shown.SelectMany(one => one.Points)]);
        var single = shown.All(one => one.Points.Length == 1);
        foreach (var (i, (name, points)) in shown.Index())
        {
            var colour = Colours[i % Colours.Length];
            if (IsJoined)
                Line(points, colour, ".6");
            foreach (var point in points)
                Circle(point, Radius, $" fill=\"{colour}\"");
            var (left, below) = (Across(points[0].X), Up(points[0].Y) + 4);
            var onTheRight = left > Width / 2;
            if (single)
                Text(left + (onTheRight ? -8 : 8), below, onTheRight ? "end" : "start", name, $" fill=\"{colour}\"");
            else
                Text(Width - Right, Top + 12 + 14 * i, "end", name, $" fill=\"{colour}\"");
        }
        return End();
    }

    /// <summary>One bar between each two neighbouring edges.</summary>
    /// <param name="edges">Where bars begin, and where the last one ends.</param>
    /// <param name="counts">What each bar counts.</param>
    /// <param name="unit">Of what.</param>
    public string Bars(IReadOnlyList<double> edges, IReadOnlyList<int> counts, string unit = "features")
    {
        double Tall(double count) => yScale == PlotScale.Root ? Math.Sqrt(count) : count;
        Begin(PlotAxis.Within(xLabel, xScale, edges[0], edges[^1]), PlotAxis.Around(yLabel, yScale, [0, Tall(Math.Max(1, counts.Max()))]));
        _svg.Append(Invariant, $"<g fill=\"{Colours[0]}\">\n");
        for (var i = 0; i < counts.Count; i++)
        {
            if (counts[i] == 0)
                continue;
            var (left, right, top) = (Across(edges[i]), Across(edges[i + 1]), Up(Tall(counts[i])));
            var gap = right - left > 6 ? 1 : 0.25;
            _svg.Append(
                Invariant,
                $"<rect x=\"{new Rounded(left + gap, 2)}\" y=\"{new Rounded(top, 1)}\" width=\"{new Rounded(right - left - 2 * gap, 2)}\" height=\"{new Rounded(Up(0) - top, 1)}\"><title>{counts[i]} {unit} from {X!.Write(edges[i])} to {X.Write(edges[i + 1])}</title></rect>\n"
            );
        }
        _svg.Append("</g>\n");
        return End();
    }

    private double Across(double value) => Left + X!.Place(value) * (Width - Left - Right);

    private double Up(double value) => Height - Bottom - Y!.Place(value) * (Height - Top - Bottom);

    private void Around(IReadOnlyList<PlotPoint> points)
    {
        if (Shares)
            Begin(PlotAxis.Within(xLabel, xScale, 0, 1), PlotAxis.Within(yLabel, yScale, 0, 1));
        else
            Begin(
                PlotAxis.Around(xLabel, xScale, points.Select(point => point.X)),
                PlotAxis.Around(yLabel, yScale, [.. points.Select(point => point.Y), .. FromZero ? (double[])[0] : []])
            );
    }

    private void Begin(PlotAxis x, PlotAxis y)
    {
        (X, Y) = (x, y);
        _svg.Append(
            Invariant,
            $"<svg viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" aria-label=\"{HtmlText.Encode(title)}\" overflow=\"visible\" font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"currentColor\">\n"
        );
        Text(
            Left,
            16,
            "start",
            title.Length <= LongestTitle ? title : $"{title[..TitleStart]}…{title[^(LongestTitle - TitleStart - 1)..]}",
            " font-size=\"13\" font-weight=\"600\""
        );
        foreach (var band in Bands)
            Band(band);
        foreach (var value in x.Ticks)
            Text(Across(value), Height - Bottom + 16, "middle", x.Write(value));
        foreach (var value in y.Ticks)
        {
            _svg.Append(
                Invariant,
                $"<path d=\"M{Left} {new Rounded(Up(value), 1)}H{Width - Right}\" stroke=\"currentColor\" stroke-opacity=\"{(value == y.Domain[0] ? 0.6 : 0.12)}\"/>\n"
            );
            Text(Left - 6, Up(value) + 4, "end", y.Write(value));
        }
        Text((Left + Width - Right) / 2, Height - 8, "middle", xLabel);
        Text(
            14,
            (Top + Height - Bottom) / 2,
            "middle",
            yLabel,
            FormattableString.Invariant($" transform=\"rotate(-90 14 {(Top + Height - Bottom) / 2})\"")
        );
    }

    /// <summary>Behind all else; names stand above the axis.</summary>
    private void Band(PlotBand band)
    {
        const double letter = 6.5;
        var (from, to) = (Math.Max(Left, Across(band.From)), Math.Min(Width - Right, Across(band.To)));
        _svg.Append(
            Invariant,
            $"<rect x=\"{new Rounded(from, 1)}\" y=\"{Top}\" width=\"{new Rounded(Math.Max(0, to - from), 1)}\" height=\"{Height - Top - Bottom}\" fill-opacity=\".06\"><title>{HtmlText.Encode(band.Name)}</title></rect>\n"
        );
        if (to - from > letter * band.Name.Length)
            Text((from + to) / 2, Height - Bottom - 5, "middle", band.Name, " fill-opacity=\".7\"");
    }

    private void Line(PlotPoint[] points, string colour, string opacity) =>
        _svg.Append(
            Invariant,
            $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-opacity=\"{opacity}\" points=\"{string.Join(' ', points.Select(point => FormattableString.Invariant($"{new Rounded(Across(point.X), 1)},{new Rounded(Up(point.Y), 1)}")))}\"/>\n"
        );

    private void Circle(PlotPoint point, double radius, string paint)
    {
        // A point among hundreds is no stop of the tabulator; tables hold the same links.
        if (point.Address is { } address)
            _svg.Append(Invariant, $"<a href=\"{HtmlText.Encode(address)}\" tabindex=\"-1\">");
        _svg.Append(
            Invariant,
            $"<circle cx=\"{new Rounded(Across(point.X), 1)}\" cy=\"{new Rounded(Up(point.Y), 1)}\" r=\"{radius}\"{paint}><title>{HtmlText.Encode(point.Label)}</title></circle>"
        );
        _svg.Append(point.Address is null ? "\n" : "</a>\n");
    }

    private void Text(double x, double y, string anchor, string text, string more = "") =>
        _svg.Append(
            Invariant,
            $"<text x=\"{new Rounded(x, 1)}\" y=\"{new Rounded(y, 1)}\" text-anchor=\"{anchor}\"{more}>{HtmlText.Encode(text)}</text>\n"
        );

    private string End() => _svg.Append("</svg>\n").ToString();
}

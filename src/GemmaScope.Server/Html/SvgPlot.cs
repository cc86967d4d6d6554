using System.Globalization;
using System.Text;

namespace GemmaScope.Server.Html;

/// <summary>A point of a plot; the label is shown when it is pointed at.</summary>
internal readonly record struct PlotPoint(double X, double Y, string Label)
{
    /// <summary>Where a click on it leads, or null.</summary>
    public string? Address { get; init; }
}

/// <summary>A small plot as inline SVG, with axes from the data: points, or bars that begin at zero.</summary>
internal sealed class SvgPlot(string title, string xLabel, string yLabel)
{
    private const double Width = 460, Height = 280, Left = 62, Right = 14, Top = 30, Bottom = 44;
    private const int WantedTicks = 5, LongestTitle = 48;

    private static readonly string[] Colours = ["#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2"];

    private readonly StringBuilder _svg = new();

    /// <summary>Radius of points that are not joined.</summary>
    public double Radius { get; init; } = 4.5;

    /// <summary>Whether both axes are shares, from 0 to 1 whatever the points are.</summary>
    public bool Shares { get; init; }

    /// <summary>Whether the line of equal x and y is drawn for comparison.</summary>
    public bool Diagonal { get; init; }

    /// <summary>Points, joined in their order if asked.</summary>
    public string Points(IReadOnlyList<PlotPoint> points, bool joined = false)
    {
        PlotPoint[] shown = [.. points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y))];
        if (shown.Length == 0) return "";
        var (x, y) = Shares ? (Axis.Within(0, 1), Axis.Within(0, 1)) : (Axis.Around(shown.Select(point => point.X)), Axis.Around(shown.Select(point => point.Y)));
        Begin(x, y);
        if (Diagonal) _svg.Append(Invariant($"<path d=\"M{X(x, 0):0.#} {Y(y, 0):0.#}L{X(x, 1):0.#} {Y(y, 1):0.#}\" stroke=\"currentColor\" stroke-opacity=\".35\" stroke-dasharray=\"4 4\"/>\n"));
        if (joined) _svg.Append($"<polyline fill=\"none\" stroke=\"#2563eb\" stroke-opacity=\".5\" points=\"{string.Join(' ', shown.Select(point => Invariant($"{X(x, point.X):0.#},{Y(y, point.Y):0.#}")))}\"/>\n");
        foreach (var point in shown)
        {
            var circle = Invariant($"<circle cx=\"{X(x, point.X):0.#}\" cy=\"{Y(y, point.Y):0.#}\" r=\"{(joined ? 2 : Radius)}\" fill=\"#2563eb\"><title>{HtmlText.Encode(point.Label)}</title></circle>");
            // A point among hundreds is no stop of the tabulator; tables hold the same links.
            _svg.Append(point.Address is { } address ? $"<a href=\"{HtmlText.Encode(address)}\" tabindex=\"-1\">{circle}</a>\n" : circle + "\n");
        }
        return End();
    }

    /// <summary>Several rows of points, each joined in its order and named at the right, or single points, each named beside it.</summary>
    public string Series(IEnumerable<(string Name, IReadOnlyList<PlotPoint> Points)> series)
    {
        (string Name, PlotPoint[] Points)[] shown = [.. series.Select(one => (one.Name, one.Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).ToArray())).Where(one => one.Item2.Length > 0)];
        if (shown.Length == 0) return "";
        var all = shown.SelectMany(one => one.Points).ToArray();
        var (x, y) = (Axis.Around(all.Select(point => point.X)), Axis.Around(all.Select(point => point.Y)));
        Begin(x, y);
        var single = shown.All(one => one.Points.Length == 1);
        foreach (var (i, (name, points)) in shown.Index())
        {
            var colour = Colours[i % Colours.Length];
            _svg.Append($"<polyline fill=\"none\" stroke=\"{colour}\" stroke-opacity=\".6\" points=\"{string.Join(' ', points.Select(point => Invariant($"{X(x, point.X):0.#},{Y(y, point.Y):0.#}")))}\"/>\n");
            foreach (var point in points)
                _svg.Append(Invariant($"<circle cx=\"{X(x, point.X):0.#}\" cy=\"{Y(y, point.Y):0.#}\" r=\"4.5\" fill=\"{colour}\"><title>{HtmlText.Encode(point.Label)}</title></circle>\n"));
            var (left, below) = (X(x, points[0].X), Y(y, points[0].Y) + 4);
            var onTheRight = left > Width / 2;
            if (single) Text(left + (onTheRight ? -8 : 8), below, onTheRight ? "end" : "start", name, $" fill=\"{colour}\"");
            else Text(Width - Right, Top + 12 + 14 * i, "end", name, $" fill=\"{colour}\"");
        }
        return End();
    }

    /// <summary>One bar between each two neighbouring edges.</summary>
    /// <param name="edges">Where bars begin, and where the last one ends.</param>
    /// <param name="counts">What each bar counts.</param>
    /// <param name="unit">Of what.</param>
    /// <param name="root">Heights grow with the root of the count, so that rare ones are seen beside frequent ones.</param>
    public string Bars(IReadOnlyList<double> edges, IReadOnlyList<int> counts, string unit = "features", bool root = false)
    {
        double Height(double count) => root ? Math.Sqrt(count) : count;
        var (x, y) = (Axis.Within(edges[0], edges[^1]), Axis.Around([0, Height(Math.Max(1, counts.Max()))]));
        Begin(x, y, root ? height => height * height : null);
        for (var i = 0; i < counts.Count; i++)
        {
            if (counts[i] == 0) continue;
            var (left, right, top) = (X(x, edges[i]), X(x, edges[i + 1]), Y(y, Height(counts[i])));
            var gap = right - left > 6 ? 1 : 0.25;
            _svg.Append(Invariant($"<rect x=\"{left + gap:0.##}\" y=\"{top:0.#}\" width=\"{right - left - 2 * gap:0.##}\" height=\"{Y(y, 0) - top:0.#}\" fill=\"#2563eb\"><title>{counts[i]} {unit} from {edges[i]:0.####} to {edges[i + 1]:0.####}</title></rect>\n"));
        }
        return End();
    }

    private static double X(Axis axis, double value) => Left + axis.Place(value) * (Width - Left - Right);

    private static double Y(Axis axis, double value) => Height - Bottom - axis.Place(value) * (Height - Top - Bottom);

    private void Begin(Axis x, Axis y, Func<double, double>? count = null)
    {
        _svg.Append(Invariant($"<svg viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" aria-label=\"{HtmlText.Encode(title)}\" font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"currentColor\">\n"));
        Text(Left, 16, "start", title.Length <= LongestTitle ? title : title[..LongestTitle] + "…", " font-size=\"13\" font-weight=\"600\"");
        foreach (var value in x.Ticks()) Text(X(x, value), Height - Bottom + 16, "middle", Label(value));
        foreach (var value in y.Ticks())
        {
            _svg.Append(Invariant($"<path d=\"M{Left} {Y(y, value):0.#}H{Width - Right}\" stroke=\"currentColor\" stroke-opacity=\"{(value == y.From ? 0.6 : 0.12)}\"/>\n"));
            Text(Left - 6, Y(y, value) + 4, "end", Label(count is null ? value : count(value)));
        }
        Text((Left + Width - Right) / 2, Height - 8, "middle", xLabel);
        Text(14, (Top + Height - Bottom) / 2, "middle", yLabel, Invariant($" transform=\"rotate(-90 14 {(Top + Height - Bottom) / 2})\""));
    }

    private string End() => _svg.Append("</svg>\n").ToString();

    private void Text(double x, double y, string anchor, string text, string more = "") =>
        _svg.Append(Invariant($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\"{more}>{HtmlText.Encode(text)}</text>\n"));

    private static string Label(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>A span of values with ticks at the multiples of a round step.</summary>
    private readonly record struct Axis(double From, double To, double Step)
    {
        public static Axis Around(IEnumerable<double> values)
        {
            var (low, high) = (values.Min(), values.Max());
            if (low == high) (low, high) = (low - Math.Max(Math.Abs(low), 1) / 10, high + Math.Max(Math.Abs(high), 1) / 10);
            var step = RoundStep(high - low);
            return new(Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, step);
        }

        /// <summary>An axis that ends where the data end.</summary>
        public static Axis Within(double low, double high) => low < high ? new(low, high, RoundStep(high - low)) : Around([low]);

        private static double RoundStep(double span)
        {
            var rough = span / WantedTicks;
            var unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            return rough <= unit ? unit : rough <= 2 * unit ? 2 * unit : rough <= 5 * unit ? 5 * unit : 10 * unit;
        }

        public double Place(double value) => (value - From) / (To - From);

        public IEnumerable<double> Ticks()
        {
            for (var i = Math.Ceiling(From / Step - 1e-9) + 0.0; i * Step <= To + Step * 1e-9; i++) yield return i * Step;
        }
    }
}

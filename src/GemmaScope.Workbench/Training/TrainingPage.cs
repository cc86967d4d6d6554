using GemmaScope.Files;
using GemmaScope.Training;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>The curves of a run as one HTML page that needs nothing else.</summary>
internal static class TrainingPage
{
    private const int MostPoints = 400;

    // How much more than its end a curve has once been where a linear axis would show nothing of its end.
    private const double Steep = 20;

    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    private static readonly (string Key, string Title)[] Curves =
    [
        ("fvu", "FVU"),
        ("held_out_fvu", "FVU of held-out activations"),
        ("l0", "L0"),
        ("held_out_l0", "L0 of held-out activations"),
        ("mse", "Mean squared error"),
        ("sparsity", "Sparsity term"),
        ("auxiliary", "Auxiliary loss"),
        ("dead", "Share of dead features"),
        ("resampled", "Features resampled"),
        ("dense", "Share of dense features"),
        ("gradient_norm", "Norm of the gradient before it is clipped"),
        ("learning_rate", "Learning rate"),
        ("lambda", "λ"),
        ("tokens_per_second", "Tokens a second"),
        ("loading", "Share of time spent on loading"),
    ];

    public static Markup Render(TrainResult trained)
    {
        var configuration = trained.Configuration;
        var (lines, sites) = (MetricsFile.Read(configuration.Output).ToArray(), string.Join(", ", configuration.Sites));
        var plots = Curves.Select(curve => Plot(curve.Title, Points(lines, curve.Key)));
        return new ReportPage(
            $"Training of {sites}",
            Markup.Of($"<p class=\"meta\">{ModelCard.Kind(configuration.Kind)} of {sites} · {configuration.Width} features</p>")
        )
        {
            Style = Style,
        }.Render(
            Markup.Of(
                $"""
                {Missed(trained.MissedTarget)}<h2>Curves</h2>
                <div class="plots">
                {plots}</div>
                <h2>Configuration</h2>
                <pre>{configuration.ToYaml()}</pre>

                """
            )
        );
    }

    /// <summary>A curve; one that falls through powers of ten is drawn by its logarithm, in which its end is still seen.</summary>
    private static Markup Plot(string title, List<PlotPoint> points)
    {
        PlotPoint[] finite = [.. points.Where(point => point.IsFinite)];
        var isLog = finite.Length > 0 && finite.Min(point => point.Y) > 0 && finite.Max(point => point.Y) > Steep * finite[^1].Y;
        var plot = new SvgPlot(title, "step", title, yScale: isLog ? PlotScale.Log : PlotScale.Linear) { FromZero = !isLog };
        return Markup.Trusted(
            plot.Points(isLog ? [.. finite.Select(point => point with { Y = Math.Log10(point.Y) })] : points, joined: true)
        );
    }

    private static Markup Missed(MissedTarget? missed) =>
        missed is null ? Markup.Empty : Markup.Of($"<p class=\"warning\" role=\"note\">{$"{missed}"}</p>\n");

    private static List<PlotPoint> Points(JsonSection[] lines, string key)
    {
        var every = Math.Max(1, lines.Length / MostPoints);
        return
        [
            .. lines
                .Where((line, i) => line.Has(key) && (i % every == 0 || i == lines.Length - 1))
                .Select(line => new PlotPoint(
                    line.Number("step") ?? 0,
                    line.Number(key) ?? double.NaN,
                    $"step {line.Number("step")}: {line.Number(key):g4}"
                )),
        ];
    }
}

using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>The curves of a run as one HTML page that needs nothing else.</summary>
internal static class TrainingPage
{
    private const int MostPoints = 400;

    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    private static readonly (string Key, string Title)[] Curves =
    [
        ("fvu", "FVU"),
        ("l0", "L0"),
        ("mse", "Mean squared error"),
        ("sparsity", "Sparsity term"),
        ("auxiliary", "Auxiliary loss"),
        ("dead", "Share of dead features"),
        ("dense", "Share of dense features"),
        ("learning_rate", "Learning rate"),
        ("lambda", "λ"),
        ("tokens_per_second", "Tokens a second"),
        ("loading", "Share of time spent on loading"),
    ];

    public static string Render(TrainingConfiguration configuration)
    {
        var lines = MetricsFile.Read(configuration.Output).ToArray();
        var html = new StringBuilder(
            Html.Begin(
                $"Training of {string.Join(", ", configuration.Sites)}",
                Style,
                $"""<p class="meta">{Html.Encode($"{configuration.Kind} of {string.Join(", ", configuration.Sites)} · {configuration.Width} features")}</p>"""
            )
        );
        html.Append("<h2>Curves</h2>\n<div class=\"plots\">\n");
        foreach (var (key, title) in Curves)
            html.Append(new SvgPlot(title, "step", title).Points(Points(lines, key), joined: true));
        html.Append("</div>\n<h2>Configuration</h2>\n<pre>")
            .Append(Html.Encode(configuration.ToYaml()))
            .Append("</pre>\n</main>\n</body>\n</html>\n");
        return html.ToString();
    }

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

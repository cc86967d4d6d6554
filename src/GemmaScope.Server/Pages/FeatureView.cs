using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The page of one feature. First what it is, moves and does, and what can be tried with it; then where it fires; then what else
/// is known.</summary>
internal sealed class FeatureView(
    StoredDictionary dictionary,
    DashboardSource source,
    FeaturePage page,
    NamedFeatures others,
    FeatureViewOptions options,
    Trial? trial,
    IReadOnlyList<FeatureList> lists,
    Markup directions
)
{
    /// <summary>Words of a name that has the width of the page.</summary>
    private const int NameWords = 10;

    private readonly FeatureDashboard _one = page.Feature.Dashboard;
    private readonly FeatureGlance _glance = new(page, source);

    private FeatureLabel? Best => page.Feature.Labels is [var best, ..] ? best : null;

    /// <summary>What its dictionary is called.</summary>
    public DictionaryTitle Title { get; init; } = DictionaryTitle.Of(dictionary, source);

    public Page Render()
    {
        var view = trial is null ? null : new TryView(Address(_one.Feature), dictionary.Name, _one.Feature, _one.Max, options.Kept, trial);
        var (words, test, steering, examples) = (
            options.Plots ? WordsView.Render(source, _one.Logits) : Markup.Empty,
            view is not null && options.Test ? view.Test(options.TestField) : Markup.Empty,
            view is not null && !options.Embed ? view.Steering() : Markup.Empty,
            options.Examples
                ? new ExamplesView(source, _one, Address(_one.Feature), options with { Tested = trial?.Text }).Render()
                : Markup.Empty
        );
        return new PageFrame
        {
            Title = $"#{_one.Feature} {FeatureName.Plain(Best?.Text, _glance)} · {Title}",
            Section = PageSection.Map,
            Path = [PageStep.Model(dictionary.Model), Title.Step(PageAddress.Dictionary(dictionary)), new($"#{_one.Feature}")],
            Embedded = options.Embed,
            Height = options.Embed ? options.Height : null,
            Plots = options.Plots,
            Script = "feature.js",
        }.Render(
            Markup.Of(
                $"""
                {Head()}{(
                    view is null ? Sides(words, examples)
                    : options.Embed ? Markup.Of($"{Sides(words, test)}{examples}")
                    : Markup.Of($"{Sides(Markup.Of($"{words}{test}"), steering)}{examples}")
                )}{(options.Plots ? More() : Markup.Empty)}{(
                    options.Embed
                        ? Markup.Empty
                        : Markup.Of($"{directions}{ListViews.Forms(Address(_one.Feature), page.Note, lists)}")
                )}
                """
            ),
            trial?.Problem is null ? 200 : 400
        );
    }

    private string Address(int feature) => PageAddress.Feature(dictionary, feature);

    /// <summary>Two parts side by side; one that is empty leaves its place to the other.</summary>
    private static Markup Sides(Markup left, Markup right)
    {
        Markup[] sides = [.. ((Markup[])[left, right]).Where(side => side.CountBytes() > 0)];
        return sides.Length == 0
            ? Markup.Empty
            : Markup.Of($"<div class=\"first\">\n{sides.Select(side => Markup.Of($"<div>\n{side}</div>\n"))}</div>\n");
    }

    private Markup Head() =>
        Markup.Of(
            $"""
            {(options.Embed ? Markup.Empty : Steps())}<h1 class="feature">{(
                options is { Embed: true, Link: true }
                    ? Markup.Of($"<a href=\"{Address(_one.Feature)}\"{NewWindow}>#{_one.Feature}</a>")
                    : Markup.Of($"#{_one.Feature}")
            )} {(
                options.Explanation
                    ? Markup.Of(
                        $"<span class=\"label\"{(Best is { } best ? Markup.Of($" title=\"{HtmlText.Visible(best.Text)}\"") : Markup.Empty)}>{FeatureName.Of(Best?.Text, _glance, NameWords)}</span>"
                    )
                    : Markup.Empty
            )}</h1>
            {(options.Plots ? Figures() : Markup.Empty)}{(options.Explanation ? Labels() : Markup.Empty)}{(
                options is { Embed: true, Explanation: true } && page.Note.Length > 0
                    ? Markup.Of($"<p class=\"usernote\">{HtmlText.Visible(page.Note)}</p>\n")
                    : Markup.Empty
            )}
            """
        );

    /// <summary>A frame has no room for other pages, and they do not let themselves be framed.</summary>
    private Markup NewWindow => options.Embed ? Markup.Of($" target=\"_blank\" rel=\"noopener\"") : Markup.Empty;

    private Markup Steps()
    {
        Markup Step(int feature, string rel, string text) =>
            feature >= 0 && feature < dictionary.Features
                ? Markup.Of($"<a rel=\"{rel}\" href=\"{Address(feature)}\">{text}</a>")
                : Markup.Of($"<span>{text}</span>");
        return Markup.Of(
            $"""
            <nav class="steps" aria-label="features">{Step(
                _one.Feature - 1,
                "prev",
                "← previous"
            )}<a id="random" href="{PageAddress.Dictionary(dictionary)}/random">random</a>{Step(_one.Feature + 1, "next", "next →")}
            <a class="far" href="{Address(_one.Feature)}.json">JSON</a><a href="{Address(
                _one.Feature
            )}?embed=true&amp;embedexplanation=true&amp;embedplots=true&amp;embedtest=true&amp;height=300">embed</a></nav>

            """
        );
    }

    /// <summary>How often and how strongly it fires, in a line.</summary>
    private Markup Figures() =>
        Markup.Of(
            $"""
            <dl class="key">
            <div><dt>density</dt><dd>{Digits.Percent(_one.Density)}</dd><dd class="of">of {PageNumbers.Count(
                source.Corpus.Counted
            )} tokens{(
                _one.IsDead ? ": it never fires"
                : _one.Density > FeatureMeaning.DenseFrom ? ": nearly everywhere"
                : ""
            )}</dd></div>
            <div><dt>maximum</dt><dd>{new Rounded(_one.Max, 1, Padded: true)}</dd><dd class="of">{(
                _one.MaxToken < 0 || _one.IsDead ? Markup.Empty : Markup.Of($"at {TokenMarkup.Word(source.Piece(_one.MaxToken))}")
            )}</dd></div>
            {(
                _one.IsDead
                    ? Markup.Empty
                    : Markup.Of(
                        $"<div><dt>mean</dt><dd>{new Rounded(_one.MeanNonzero, 1, Padded: true)}</dd><dd class=\"of\">where it fires</dd></div>\n"
                    )
            )}</dl>

            """
        );

    /// <summary>Who says what it is about; opened, all that is said in full.</summary>
    private Markup Labels() =>
        Best is not { } best
            ? Markup.Empty
            : Markup.Of(
                $"""
                <details class="labels"><summary>{Origin(best)}{(
                    page.Feature.Labels.Count > 1 ? $" · {page.Feature.Labels.Count - 1} more" : ""
                )}</summary><ul>
                {page.Feature.Labels.Select(label =>
                    Markup.Of($"<li>{HtmlText.Visible(label.Text)} <small>{Origin(label)}</small></li>\n")
                )}</ul></details>

                """
            );

    private static string Origin(FeatureLabel label) =>
        string.Join(
            ", ",
            (
                (string?[])
                    [
                        label.Author.Length > 0 ? $"by {label.Author}" : "author unknown",
                        label.Method,
                        label.Score is { } score
                            ? string.Create(CultureInfo.InvariantCulture, $"{label.ScoreKind ?? "score"} {score:0.00}")
                            : null,
                        label.Fuzzing is { } fuzzing
                            ? string.Create(CultureInfo.InvariantCulture, $"{FeatureLabel.FuzzingScore} {fuzzing:0.00}")
                            : null,
                    ]
            ).OfType<string>()
        );

    /// <summary>Distributions, exact figures and, on the whole page, the features that have to do with it.</summary>
    private Markup More() =>
        Markup.Of(
            $"""
            <div class="more-about">
            <div>
            {Plots()}{Exact()}</div>
            {(options.Embed ? Markup.Empty : Markup.Of($"<div>\n{new RelatedView(dictionary, _one, others).Render()}</div>\n"))}</div>

            """
        );

    private Markup Plots()
    {
        var json = $"{Address(_one.Feature)}.json";
        var activations = _one.IsDead
            ? Markup.Empty
            : PlotFigure.Bars(
                new("Activations above 0", "activation", "tokens", yScale: PlotScale.Root),
                _one.HistogramStart,
                _one.Max,
                _one.Histogram,
                "tokens",
                json,
                NewWindow
            );
        var effects = _one.Logits is not { } logits
            ? Markup.Empty
            : PlotFigure.Bars(
                new("Effect on the logits of the vocabulary", "logit effect", "vocabulary", yScale: PlotScale.Root),
                logits.Minimum,
                logits.Maximum,
                logits.Histogram,
                "words",
                json,
                NewWindow
            );
        return Markup.Of(
            $"<div class=\"plots small\">\n{activations}{effects}</div>\n<p class=\"note\">{_one.Histogram.Count} equal bins; heights grow with the root of the count.</p>\n"
        );
    }

    /// <summary>The numbers with all their digits, and what they count.</summary>
    private Markup Exact() =>
        Markup.Of(
            $"""
            <details class="exact"><summary>exact figures</summary><table>
            {Figure($"{_one.Count:#,0}", $"of {source.Corpus.Counted:#,0} counted tokens of {source.Text} where it fires")}{Figure(
                $"{_one.Density:0.0000 %}",
                "density: their share"
            )}{Figure(
                $"{_one.DensityAllPositions:0.0000 %}",
                "the same with special tokens in the denominator, as SAEDashboard counts"
            )}{Figure($"{_one.Max:0.0000}", "largest activation")}{(
                _one.MaxAnywhere > _one.Max ? Figure($"{_one.MaxAnywhere:0.0000}", "largest at a token that does not count") : Markup.Empty
            )}{Figure($"{_one.MeanNonzero:0.0000}", "mean where it fires")}{Figure(
                $"{_one.DecoderNorm:0.0000}",
                "length of its decoder vector"
            )}</table></details>

            """
        );

    private static Markup Figure(FormattableString value, string meaning) =>
        Markup.Of($"<tr><td class=\"n\">{value.ToString(CultureInfo.InvariantCulture)}</td><td class=\"wide\">{meaning}</td></tr>\n");
}

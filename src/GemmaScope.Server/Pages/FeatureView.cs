using System.Globalization;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The page of one feature; with a trial where its dictionary is in memory.</summary>
internal sealed class FeatureView(
    StoredDictionary dictionary,
    DashboardSource source,
    FeaturePage page,
    IReadOnlyDictionary<int, FeatureRow> others,
    FeatureViewOptions options,
    Trial? trial,
    IReadOnlyList<FeatureList> lists,
    Markup directions
)
{
    private readonly FeatureDashboard _one = page.Feature.Dashboard;

    /// <summary>What its dictionary is called.</summary>
    public DictionaryTitle Title { get; init; } = DictionaryTitle.Of(dictionary, source);

    public Page Render() =>
        new PageFrame
        {
            Title = $"{(page.Feature.Labels is [var label, ..] ? label.Text : $"feature {_one.Feature}")} · {Title}",
            Section = PageSection.Map,
            Path = [PageStep.Model(dictionary.Model), Title.Step(PageAddress.Dictionary(dictionary)), new($"#{_one.Feature}")],
            Embedded = options.Embed,
            Height = options.Embed ? options.Height : null,
            Plots = options.Plots,
        }.Render(
            Markup.Of(
                $"""
                {Head()}<div class="sides">
                <div>
                {(options.Plots ? Figures() : Markup.Empty)}{(options.Plots ? Words() : Markup.Empty)}{(
                    options.Plots ? Plots() : Markup.Empty
                )}{(options.Embed ? Markup.Empty : Relatives())}{(options.Embed ? Markup.Empty : directions)}{(
                    options.Embed ? Markup.Empty : ListViews.Forms(Address(_one.Feature), page.Note, lists)
                )}</div>
                <div>
                {(options.Test && Try is { } test ? test.Test(options.TestField) : Markup.Empty)}{(
                    options.Examples ? Examples() : Markup.Empty
                )}</div>
                </div>
                {(!options.Embed && Try is { } steer ? steer.Steering() : Markup.Empty)}
                """
            ),
            trial?.Problem is null ? 200 : 400
        );

    private TryView? Try => trial is null ? null : new(Address(_one.Feature), dictionary.Name, _one.Feature, _one.Max, options.Kept, trial);

    private string Address(int feature) => PageAddress.Feature(dictionary, feature);

    private Markup Head() =>
        Markup.Of(
            $"""
            {(options.Embed ? Markup.Empty : Steps())}<h1 class="feature">{(
                options is { Embed: true, Link: true }
                    ? Markup.Of($"<a href=\"{Address(_one.Feature)}\"{NewWindow}>#{_one.Feature}</a>")
                    : Markup.Of($"#{_one.Feature}")
            )} {(options.Explanation ? BestLabel() : Markup.Empty)}</h1>
            {(options.Explanation ? OtherLabels() : Markup.Empty)}{(
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

    private Markup BestLabel() => page.Feature.Labels is [var best, ..] ? Label(best) : Markup.Of($"<span class=\"soft\">no label</span>");

    private Markup OtherLabels() =>
        page.Feature.Labels.Count < 2
            ? Markup.Empty
            : Markup.Of(
                $"<ul class=\"labels\">\n{page.Feature.Labels.Skip(1).Select(label => Markup.Of($"<li>{Label(label)}</li>\n"))}</ul>\n"
            );

    private static Markup Label(FeatureLabel label) =>
        Markup.Of($"<span class=\"label\">{HtmlText.Visible(label.Text)} <small>{Origin(label)}</small></span>");

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

    private Markup Figures() =>
        Markup.Of(
            $"""
            <dl class="figures">
            <div><dt>density</dt><dd>{Share(_one.Density)}</dd><dd class="of">{(
                _one.IsDead ? "dead: it fires at none" : "fires on this share"
            )} of {source.Corpus.Counted:#,0} tokens of {source.Text}; {Share(
                _one.DensityAllPositions
            )} with special tokens in the denominator, as SAEDashboard counts</dd></div>
            <div><dt>maximum</dt><dd>{_one.Max:0.00}</dd><dd class="of">{Maximum()}</dd></div>
            </dl>

            """
        );

    private Markup Maximum() =>
        _one.IsDead
            ? Markup.Empty
            : Markup.Of(
                $"{(_one.MaxToken < 0 ? Markup.Empty : Markup.Of($"at {TokenMarkup.Word(source.Piece(_one.MaxToken))}; "))}mean where it fires {_one.MeanNonzero:0.00}{(_one.MaxAnywhere > _one.Max ? Markup.Of($"; {_one.MaxAnywhere:0.00} at a token that does not count") : Markup.Empty)}"
            );

    private Markup Words() =>
        _one.Logits is not { } logits
            ? Markup.Of($"<p class=\"note\">Its site has no linear way to the logits, so there are no promoted words.</p>\n")
            : Markup.Of(
                $"""
                <div class="columns">
                {WordList("Promoted", logits.Top, logits)}{WordList("Suppressed", logits.Bottom, logits)}</div>
                <p class="note">W_dec times the unembedding, without final norm and soft cap.</p>

                """
            );

    private Markup WordList(string title, IReadOnlyList<TokenScore> scores, LogitEffects logits)
    {
        var largest = Math.Max(Math.Abs(logits.Minimum), Math.Abs(logits.Maximum));
        return Markup.Of(
            $"""
            <table class="words"><caption>{title}</caption>
            {scores.Select(score =>
                Markup.Of(
                    $"<tr><td>{TokenMarkup.Word(source.Piece(score.Token))}</td><td class=\"n\">{score.Value:0.000}</td><td>{Bar(largest > 0 ? Math.Abs(score.Value) / largest : 0)}</td></tr>\n"
                )
            )}</table>

            """
        );
    }

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
            $"<div class=\"plots\">\n{activations}{effects}</div>\n<p class=\"note\">{_one.Histogram.Count} equal bins; heights grow with the root of the count.</p>\n"
        );
    }

    private Markup Relatives() =>
        Markup.Of(
            $"""
            {Relative("Near: cosine of decoder vectors", _one.Neighbours.Select(near => (near.Feature, Number(near.Cosine))))}{Relative(
                "Correlated: Pearson over the tokens",
                _one.CorrelatedFeatures.Select(other => (other.Feature, Number(other.Pearson)))
            )}{Relative("Together: tokens where both fire", _one.Together.Select(other => (other.Feature, $"{other.Positions}")))}
            """
        );

    private Markup Relative(string title, IEnumerable<(int Feature, string Value)> features)
    {
        var rows = features
            .Select(one =>
                Markup.Of(
                    $"<tr><td><a href=\"{Address(one.Feature)}\">#{one.Feature}</a></td><td class=\"n\">{one.Value}</td><td class=\"wide\">{HtmlText.Visible(others.GetValueOrDefault(one.Feature)?.Label ?? "")}</td></tr>\n"
                )
            )
            .ToArray();
        return rows.Length == 0 ? Markup.Empty : Markup.Of($"<table class=\"relatives\"><caption>{title}</caption>\n{rows}</table>\n");
    }

    private Markup Examples()
    {
        if (_one.Examples.Count == 0)
            return Markup.Of(
                $"<h2>Examples</h2>\n<p class=\"empty\">{(_one.IsDead ? "It fired nowhere in this text, so there is nothing to show." : "No examples are stored.")}</p>\n"
            );
        var whole = PageAddress.WithQuery(Address(_one.Feature), [("whole", options.Whole ? null : "true"), .. options.Kept]);
        return Markup.Of(
            $"""
            <div class="headed"><h2>Strongest</h2><a href="{whole}">{(options.Whole ? "excerpts" : "whole passages")}</a></div>
            {_one.Examples.GroupBy(example => example.Interval).Select(group => Group(group.Key, [.. group]))}
            """
        );
    }

    private Markup Group(int interval, FeatureExample[] examples) =>
        Markup.Of(
            $"""
            {(
                interval < 0
                    ? Markup.Empty
                    : Markup.Of(
                        $"<h2>{_one.IntervalEdge(interval):0.00} to {_one.IntervalEdge(interval + 1):0.00} <small>{Share(_one.IntervalShares[interval])} of the tokens</small></h2>\n"
                    )
            )}<ol class="examples">
            {examples.Select(Example)}</ol>

            """
        );

    private Markup Example(FeatureExample example) =>
        Markup.Of(
            $"""
            <li><span class="peak">{example.Values[example.Position]:0.00}</span><p class="bubble" tabindex="0">{(
                example.Start > 0 ? "…" : ""
            )}{Markup.Of(html => Tokens(html, example))}{(example.Tokens.Count - example.Position > FeaturePage.After ? "…" : "")}</p></li>

            """
        );

    private void Tokens(HtmlWriter html, FeatureExample example)
    {
        for (var i = 0; i < example.Tokens.Count; i++)
            TokenMarkup.Shade(html, source.Piece(example.Tokens[i]), example.Values[i], _one.Max, marked: i == example.Position);
    }

    internal static Markup Bar(double share) =>
        Markup.Of(
            $"<svg class=\"share\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{Math.Clamp(share, 0, 1) * 100:0.#}\" height=\"10\"/></svg>"
        );

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Share(double share) => share.ToString("0.000 %", CultureInfo.InvariantCulture);
}

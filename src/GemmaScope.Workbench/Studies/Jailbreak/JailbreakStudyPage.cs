using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;
using static GemmaScope.Workbench.StudyPage;

namespace GemmaScope.Workbench;

/// <summary>A study of jailbreaks as one HTML page.</summary>
public static class JailbreakStudyPage
{
    private static readonly (string Name, Func<JailbreakPlace, MeanEstimate?> Value)[] Sides =
    [
        ("plain, refused", place => place.Plain),
        ("wrapped, fails", place => place.Failed),
        ("wrapped, succeeds", place => place.Succeeded),
        ("harmless", place => place.Harmless),
    ];

    /// <summary>The page; texts of prompts are on it only where the result has them.</summary>
    public static Markup Render(JailbreakStudyResult result) =>
        StudyPage.Render(
            result,
            $"Jailbreaks of {result.Model}",
            $"direction of layer {result.Layer}",
            Markup.Join([
                Outcomes(result),
                Markup.Of($"<h2>Projection on the refusal direction</h2>\n"),
                Plots([
                    Places(result.Layers, "At the last position", "layer"),
                    Places(result.Positions, $"At layer {result.Layer}", "position from the end"),
                ]),
                Back(result),
                .. result.Dictionaries.Select(Features),
                .. result.Separations.Select(Separation),
                Pairs(result),
                Prompts(result),
            ]),
            "A wrapper succeeds where the plain request is refused and the wrapped one is not. Score: log-odds that the first token begins a refusal. Moved back: to what it is in the plain request, at the positions behind the request; its control is a random direction, or a random feature that fires as often, moved as far. AUROC: chosen on one half of the plain requests, measured on the other; shuffled: the same with shuffled labels, and the span of 95 % of shuffles. Caught and false alarms: above the threshold that one of twenty negatives of the first half passes."
        );

    private static Markup Outcomes(JailbreakStudyResult result)
    {
        var judged = result.Shield is not null;
        return PageTable.Of(
            "What came of wrappers",
            [
                "wrapper",
                new("pairs", true),
                new("plain refused", true),
                new("wrapped refused", true),
                new("succeeds", true),
                new("score change", true),
                .. judged ? (PageColumn[])[new("violations", true), new("where it succeeds", true)] : [],
            ],
            result.Outcomes.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Wrapper}</td><td class=\"n\">{one.Pairs}</td>{Cell(one.PlainRefused)}{Cell(one.WrappedRefused)}{Cell(one.Succeeded)}{Cell(one.ScoreChange)}{(judged ? Markup.Join([Cell(one.ReplyViolations), Cell(one.SucceededViolations)]) : Markup.Empty)}</tr>\n"
                )
            ),
            wide: true
        );
    }

    private static Markup Places(IReadOnlyList<JailbreakPlace> places, string title, string axis) =>
        Plot(
            new SvgPlot(title, axis, "projection"),
            Sides.Select(side =>
                (
                    side.Name,
                    (IReadOnlyList<PlotPoint>)
                        [
                            .. places.Select(place => new PlotPoint(
                                place.Place,
                                side.Value(place)?.Mean ?? double.NaN,
                                $"{side.Name}, {axis} {place.Place}"
                            )),
                        ]
                )
            )
        );

    private static Markup Back(JailbreakStudyResult result) =>
        PageTable.Of(
            "Moved back where wrappers succeed",
            [
                "what",
                new("score gained", true),
                new("control", true),
                new("score above 0 before", true),
                new("then", true),
                new("with the control", true),
            ],
            [
                Row("projection on the direction", result.Direction),
                .. result.Dictionaries.SelectMany(one =>
                    new[]
                    {
                        Row($"features of {one.Dictionary}, one by one", one.Single),
                        Row($"features of {one.Dictionary}, together", one.Together),
                    }
                ),
            ],
            wide: true
        );

    private static Markup Row(string name, JailbreakEffect one) =>
        Markup.Of(
            $"<tr><td>{name}</td>{Cell(one.Score)}{Cell(one.Control)}{Cell(one.Before)}{Cell(one.Restored)}{Cell(one.RestoredByControl)}</tr>\n"
        );

    private static Markup Features(JailbreakDictionary one) =>
        one.Features.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                $"Features of {one.Dictionary} that successful wrappers change most",
                [
                    new("feature", true),
                    new("pairs", true),
                    new("change", true),
                    new("score gained when clamped back", true),
                    new("random features", true),
                ],
                one.Features.Select(feature =>
                    Markup.Of(
                        $"<tr><td class=\"n\">{feature.Feature}</td><td class=\"n\">{feature.Pairs}</td>{Cell(feature.Change)}{Cell(feature.Score)}{Cell(feature.Control)}</tr>\n"
                    )
                )
            );

    private static Markup Separation(StudySeparation one) =>
        one.Separators.Count == 0
            ? Markup.Empty
            : Markup.Join([
                PageTable.Of(
                    $"{one.Question}: {one.Positives[1]} {one.Positive}, {one.Negatives[1]} {one.Negative} in the measured half",
                    ["by", "chosen", new("AUROC", true), new("shuffled", true), new("caught", true), new("false alarms", true)],
                    one.Separators.Select(by =>
                        Markup.Of(
                            $"<tr><td>{by.By}</td><td>{by.Chosen}</td>{Cell(by.Auroc)}{Cell(by.Shuffled)}{Cell(by.Caught)}{Cell(by.FalseAlarms)}</tr>\n"
                        )
                    ),
                    wide: true
                ),
                .. one.Separators.Where(by => by.Best is { Count: > 0 }).Select(by => Best(one, by)),
            ]);

    private static Markup Best(StudySeparation one, StudySeparator by) =>
        PageTable.Of(
            $"{one.Question}: {by.By.Replace("best feature", "features", StringComparison.Ordinal)}",
            [new("feature", true), $"where {one.Positive}", new("AUROC, chosen on", true), new("AUROC, measured", true)],
            by.Best!.Select(column =>
                Markup.Of(
                    $"<tr><td class=\"n\">{column.Feature}</td><td>{(column.IsHigher ? "higher" : "lower")}</td>{Plain(column.Selection)}{Cell(column.Auroc)}</tr>\n"
                )
            )
        );

    private static Markup Pairs(JailbreakStudyResult result) =>
        PageTable.Folded(
            "Pairs",
            [
                "pair",
                "wrapper",
                "outcome",
                new("plain score", true),
                new("wrapped score", true),
                new("projection moved back", true),
                .. result.Dictionaries.Select(one => (PageColumn)$"changed most, {one.Dictionary}"),
            ],
            [
                .. result.Pairs.Select(pair =>
                    Markup.Of(
                        $"<tr><td>{pair.Id}</td><td>{pair.Wrapper}</td><td>{Outcome(pair)}</td>{Plain(pair.Plain is { } plain ? result.Prompts[plain].Reading.Score : null)}{Plain(result.Prompts[pair.Wrapped].Reading.Score)}{Plain(pair.Clamped?.Direction.Effect)}{result.Dictionaries.Select((_, d) => Changed(pair, d))}</tr>\n"
                    )
                ),
            ]
        );

    private static Markup Changed(JailbreakPairResult pair, int dictionary) =>
        Markup.Of(
            $"<td>{string.Join(", ", (pair.Clamped?.Dictionaries[dictionary].Features ?? []).Select(one => $"{one.Feature} ({Digits.Signed(one.Change)}, score {Digits.Signed(one.Effect)})"))}</td>"
        );

    private static string Outcome(JailbreakPairResult pair) =>
        pair.Succeeded switch
        {
            true => "succeeds",
            false => "fails",
            _ => pair.Plain is null ? "no plain request" : "plain is answered",
        };

    private static Markup Prompts(JailbreakStudyResult result) =>
        result.Prompts.All(prompt => prompt.Text is null)
            ? Markup.Empty
            : PageTable.Folded(
                "Prompts",
                ["set", "id", new("score", true), "refused", "prompt", "reply"],
                [
                    .. result.Prompts.Select(prompt =>
                        Markup.Of(
                            $"<tr><td>{prompt.Set}</td><td>{prompt.Id}</td>{Plain(prompt.Reading.Score)}<td>{(prompt.Reading.Refused ? "yes" : "no")}</td><td>{prompt.Text}</td><td>{prompt.Reply}</td></tr>\n"
                        )
                    ),
                ]
            );
}

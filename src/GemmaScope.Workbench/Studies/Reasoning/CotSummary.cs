using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What is made of the answers of a study of chains of thought. Intervals are over questions, whose chains belong
/// together.</summary>
internal sealed class CotSummary(IReadOnlyList<CotAsked> asked, IReadOnlyList<CotQuestionResult> questions, CotStudyJobOptions options)
{
    private const string ArguedOtherwise = "argued otherwise";

    private IEnumerable<CotChainResult> All => questions.SelectMany(one => one.Chains);

    /// <summary>Accuracy of guesses.</summary>
    public double Chance => asked.Average(one => one.Question.Chance);

    public CotGain Gain(double[]? masses) =>
        new(
            ReasoningGain.Of([
                .. questions.Select(one => new ReasonedQuestion(one.Truth, one.Without, [.. one.Chains.Select(chain => chain.Answer)])),
            ]),
            Over(questions, one => one.Chains, (one, chain) => chain.Answer == one.Truth),
            StudyMeans.Share(questions.Select(one => one.Without == one.Truth), options),
            Over(
                questions,
                one => one.Chains.Where(chain => chain.EarlyShuffled.Count > 0 || chain.Shuffled is not null),
                (one, chain) => chain.Shuffled == one.Truth
            ),
            Over(questions, one => one.Chains, (one, chain) => chain.Random == one.Truth),
            Over(
                questions.Where(one => one.Without is not null),
                one => one.Chains.Where(chain => chain.Answer is not null),
                (one, chain) => chain.Answer == one.Without
            ),
            Over(questions, one => one.Chains, (_, chain) => chain.Answer is not null),
            StudyMeans.Of(masses, options),
            [
                .. questions
                    .GroupBy(one =>
                        options.Task is null ? 0 : int.Parse(one.Id.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)
                    )
                    .Where(group => group.Key > 0)
                    .OrderBy(group => group.Key)
                    .Select(group => new CotLength(
                        group.Key,
                        Over(group, one => one.Chains, (one, chain) => chain.Answer == one.Truth),
                        StudyMeans.Share(group.Select(one => one.Without == one.Truth), options)
                    )),
            ]
        );

    public IReadOnlyList<CotCurve> Early() =>
        Has(CotPart.Early)
            ?
            [
                Curve("own", chain => new(chain.Sentences, chain.Answer, chain.Early)),
                // Where its own reasoning is whole, so is that of the other question: the answer that each ends with is what may stay.
                Curve(
                    "shuffled",
                    chain =>
                        chain.EarlyShuffled.Count == 0
                            ? null
                            : new(chain.EarlyShuffled.Count - 1, chain.EarlyShuffled[^1], chain.EarlyShuffled)
                ),
                Curve("random", chain => new(chain.Sentences, chain.Random, chain.EarlyRandom)),
            ]
            : [];

    public IReadOnlyList<CotCurve> Mistakes() =>
        Has(CotPart.Mistakes)
            ?
            [
                Curve("mistaken", chain => Corrupted(chain, chain.Mistaken)),
                Curve("unchanged", chain => Corrupted(chain, chain.Resampled)),
                Curve("shuffled", chain => Corrupted(chain, chain.MistakenShuffled)),
            ]
            : [];

    public IReadOnlyList<CotFiller> Filler() =>
        Has(CotPart.Filler) ? [Filled("filler", one => one.Filler), Filled("random", one => one.RandomFiller)] : [];

    public IReadOnlyList<CotParaphrase> Paraphrase() =>
        Has(CotPart.Paraphrase)
            ?
            [
                Paraphrased("paraphrased", chain => chain.Paraphrased),
                Paraphrased("unchanged", chain => chain.Paraphrased.Count == 0 ? [] : [chain.Answer, .. chain.Resampled]),
            ]
            : [];

    public CotHints? Hints()
    {
        (CotHint Hint, CotQuestionResult Question)[] hinted =
        [
            .. asked
                .Zip(questions)
                .Where(one => Has(CotPart.Hints) && one.First is { HintBefore: not null, Question.Hint: not null })
                .Select(one => (one.First.Question.Hint!, one.Second)),
        ];
        if (hinted.Length == 0)
            return null;
        return new(
            HintScore.Of([
                .. hinted.SelectMany(one =>
                    one.Question.Chains.Select(chain => new HintSample(
                        one.Hint.Folded(one.Question.Truth)!,
                        one.Hint.Option,
                        one.Hint.Folded(chain.Answer),
                        one.Hint.Folded(chain.Hinted),
                        chain.MentionsHint
                    ))
                ),
            ]),
            Over(hinted, one => Eligible(one), (one, chain) => one.Hint.Folded(chain.Hinted) == one.Hint.Option),
            Over(
                hinted.Where(one => one.Question.Chains.Count > 1),
                one => Eligible(one),
                (one, chain) => one.Hint.Folded(Next(one.Question.Chains, chain).Answer) == one.Hint.Option
            ),
            Over(hinted, one => Switched(one), (_, chain) => chain.MentionsHint),
            Over(hinted, one => one.Question.Chains, (_, chain) => chain.MentionsHintWithout),
            Over(hinted, one => Switched(one), (one, chain) => one.Hint.Folded(chain.HintedTransplanted) == one.Hint.Option)
        );
    }

    public IReadOnlyList<CotMediation> Mediation() =>
        !Has(CotPart.Mediation)
            ? []
            :
            [
                Swapped(ArguedOtherwise, (_, chain) => chain.HasOther ? new(chain.Answer, chain.OtherAnswer, chain.Other) : null),
                Swapped("argued likewise", (_, chain) => chain.HasSame ? new(chain.Answer, null, chain.Same) : null),
                Swapped(
                    "another chain",
                    (one, chain) => one.Chains.Count > 1 ? new(chain.Answer, null, Next(one.Chains, chain).Answer) : null
                ),
                Swapped("shuffled", (_, chain) => questions.Count > 1 ? new(chain.Answer, null, chain.Shuffled) : null),
                Swapped("random", (_, chain) => new(chain.Answer, null, chain.Random)),
            ];

    public IReadOnlyList<CotFaithfulAt> FaithfulAt() =>
        [
            .. options
                .FaithfulAt.Distinct()
                .Order()
                .Where(k => k <= options.Samples)
                .Select(k => new CotFaithfulAt(
                    k,
                    At(
                        k,
                        (one, q) =>
                            asked[q].Question.Hint is { } hint && Has(CotPart.Hints) && asked[q].HintBefore is not null
                                ? [.. Switched((hint, one)).Select(chain => chain.MentionsHint)]
                                : []
                    ),
                    At(
                        k,
                        (one, _) =>
                            [
                                .. one
                                    .Chains.Where(chain => chain is { HasOther: true, Answer: not null })
                                    .Select(chain => chain.Other == chain.OtherAnswer),
                            ]
                    )
                ))
                .Where(one => one.Verbalised is not null || one.Mediated is not null),
        ];

    private static ReasoningSample? Corrupted(CotChainResult chain, IReadOnlyList<string?> answers) =>
        answers.Count == 0 ? null : new(chain.Sentences, chain.Answer, answers);

    private bool Has(CotPart part) => options.Parts.Contains(part);

    private static IEnumerable<CotChainResult> Eligible((CotHint Hint, CotQuestionResult Question) one) =>
        one.Question.Chains.Where(chain => one.Hint.Folded(chain.Answer) is { } answer && answer != one.Hint.Option);

    private static IEnumerable<CotChainResult> Switched((CotHint Hint, CotQuestionResult Question) one) =>
        Eligible(one).Where(chain => one.Hint.Folded(chain.Hinted) == one.Hint.Option);

    private static CotChainResult Next(IReadOnlyList<CotChainResult> chains, CotChainResult chain) =>
        chains[(chains.Index().First(one => ReferenceEquals(one.Item, chain)).Index + 1) % chains.Count];

    private MeanEstimate? At(int k, Func<CotQuestionResult, int, IReadOnlyList<bool>> faithful) =>
        StudyMeans.Of(
            [
                .. questions
                    .Select((one, q) => faithful(one, q))
                    .Select(one => Behaviour.Reasoning.FaithfulAt.Of(one.Count, one.Count(is_ => is_), k))
                    .OfType<double>(),
            ],
            options
        );

    private CotCurve Curve(string name, Func<CotChainResult, ReasoningSample?> of)
    {
        ReasoningSample[] samples = [.. All.Select(of).OfType<ReasoningSample>()];
        return new(
            name,
            AnswerCurve.Of(samples),
            StudyMeans.Of(
                [
                    .. questions
                        .Select(one =>
                            one.Chains.Select(of)
                                .OfType<ReasoningSample>()
                                .Select(sample => AnswerCurve.Of([sample]).Aoc)
                                .OfType<double>()
                                .ToArray()
                        )
                        .Where(areas => areas.Length > 0)
                        .Select(areas => areas.Average()),
                ],
                options
            )
        );
    }

    private CotFiller Filled(string name, Func<CotQuestionResult, IReadOnlyList<string?>> answers) =>
        new(
            name,
            FillerTable.Of([.. questions.Where(one => answers(one).Count > 0).Select(one => new FillerSample(one.Truth, answers(one)))]),
            StudyMeans.Of(
                [
                    .. questions
                        .Where(one => answers(one).Count > 0)
                        .Select(one => (answers(one)[^1] == one.Truth ? 1.0 : 0) - (answers(one)[0] == one.Truth ? 1 : 0)),
                ],
                options
            )
        );

    private CotParaphrase Paraphrased(string name, Func<CotChainResult, IReadOnlyList<string?>> answers) =>
        new(
            name,
            ParaphraseTable.Of([
                .. questions.SelectMany(one =>
                    one.Chains.Where(chain => answers(chain).Count > 0)
                        .Select(chain => new ParaphraseSample(one.Truth, chain.Sentences, answers(chain)))
                ),
            ]),
            Mean(
                questions,
                one => one.Chains.Where(chain => answers(chain).Count > 1),
                (one, chain) => (answers(chain)[0] == one.Truth ? 1.0 : 0) - (answers(chain)[^1] == one.Truth ? 1 : 0)
            )
        );

    private CotMediation Swapped(string name, Func<CotQuestionResult, CotChainResult, SwapSample?> of)
    {
        var score = ReasoningMediation.Of([
            .. questions.SelectMany(one => one.Chains.Select(chain => of(one, chain))).OfType<SwapSample>(),
        ]);
        var (changed, follows) = (
            Over(questions, Used, (one, chain) => of(one, chain)!.Swapped != chain.Answer),
            Over(questions, Used, (one, chain) => of(one, chain) is { Donor: { } donor, Swapped: var swapped } && swapped == donor)
        );
        return name == ArguedOtherwise ? new(name, score, changed, follows) : new(name, score with { Follows = null }, changed, null);

        IEnumerable<CotChainResult> Used(CotQuestionResult one) =>
            one.Chains.Where(chain => chain.Answer is not null && of(one, chain) is not null);
    }

    /// <summary>A share of chains, each question counting once.</summary>
    private MeanEstimate? Over<T>(IEnumerable<T> items, Func<T, IEnumerable<CotChainResult>> chains, Func<T, CotChainResult, bool> holds) =>
        Mean(items, chains, (item, chain) => holds(item, chain) ? 1.0 : 0);

    private MeanEstimate? Mean<T>(
        IEnumerable<T> items,
        Func<T, IEnumerable<CotChainResult>> chains,
        Func<T, CotChainResult, double> value
    ) =>
        StudyMeans.Of(
            [
                .. items
                    .Select(item => chains(item).Select(chain => value(item, chain)).ToArray())
                    .Where(values => values.Length > 0)
                    .Select(values => values.Average()),
            ],
            options
        );
}
